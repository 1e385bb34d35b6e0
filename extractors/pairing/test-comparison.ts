import { z } from 'zod'
import type { PairingInput, PairingMethod } from '../types.ts'
import { pairTests } from './test-pairing.ts'

const Options = z.strictObject({
  max_workloads: z.int().min(1).max(100).default(6).describe('Parameter sets taken from one test, at most'),
  max_closure_lines: z
    .int()
    .positive()
    .default(1500)
    .describe('Lines of the repository that one file of a pair may need; more is refused as `too_large`'),
  allowed_modules: z
    .array(z.string())
    .default(['torch', 'triton', 'numpy', 'packaging'])
    .describe('Packages, by top-level name, that emitted code may import besides the standard library'),
  replace: z
    .record(z.string(), z.string())
    .default({})
    .describe(
      'Dotted name of a definition, of the repository or imported, to Python text that defines its last part instead',
    ),
  identities: z
    .array(z.string())
    .default([])
    .describe('Dotted names of functions of the tests that give back their first argument, moved or widened'),
})

/**
 * Finds pairs in tests: a test, a script's main block or a function without arguments that calls a kernel's launcher and compares the
 * result with what PyTorch gives. The backward slices of the two compared values decide which is which; see extractors/README.md.
 */
export const testComparison: PairingMethod<z.infer<typeof Options>> = {
  id: 'test-comparison',
  version: 1,
  summary: 'Tests that compare a kernel with a PyTorch expression or function',
  options: Options,
  async findPairs(input: PairingInput, options) {
    return pairTests(input, {
      maxWorkloads: options.max_workloads,
      maxClosureLines: options.max_closure_lines,
      allowedModules: options.allowed_modules,
      replacements: options.replace,
      identities: options.identities,
    })
  },
}
