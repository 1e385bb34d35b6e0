import { z } from 'zod'
import type { PairingSettings } from './test-pairing.ts'

/** Settings of every method that reads tests. */
export const TEST_OPTIONS = {
  max_workloads: z.int().min(1).max(100).default(6).describe('Parameter sets taken from one test, at most'),
  max_closure_lines: z
    .int()
    .positive()
    .default(1500)
    .describe('Lines of the repository that one file of a pair may need; more is refused as `too_large`'),
  allowed_modules: z
    .array(z.string())
    .default(['torch', 'triton', 'numpy', 'packaging', 'einops'])
    .describe('Packages, by top-level name, that emitted code may import besides the standard library'),
  replace: z
    .record(z.string(), z.string())
    .default({})
    .describe(
      'Dotted name of a definition, of the repository or imported, to Python text that defines its last part instead',
    ),
  lookups: z
    .record(z.string(), z.string())
    .default({})
    .describe(
      'Dotted name of a function that looks up a name to its table: a YAML file of autotune configurations, or a dict',
    ),
  identities: z
    .array(z.string())
    .default([])
    .describe(
      'Dotted names of functions of the tests that give back their first argument, moved or widened; `*.name` in any module',
    ),
}

/** The settings in the form the code uses. */
export function pairingSettings(options: z.infer<z.ZodObject<typeof TEST_OPTIONS>>): PairingSettings {
  return {
    maxWorkloads: options.max_workloads,
    maxClosureLines: options.max_closure_lines,
    allowedModules: options.allowed_modules,
    replacements: options.replace,
    lookups: options.lookups,
    identities: options.identities,
  }
}
