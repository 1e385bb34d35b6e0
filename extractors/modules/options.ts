import { z } from 'zod'

/** Which modules of a repository become tasks. */
export const ModuleOptions = z.strictObject({
  max_tasks: z
    .int()
    .positive()
    .max(100_000)
    .default(500)
    .describe('Tasks made of the modules of one repository, at most'),
  max_closure_lines: z
    .int()
    .positive()
    .default(600)
    .describe('Lines of the repository that one module may need; more is refused as `too_large`'),
  allowed_modules: z
    .array(z.string())
    .default(['torch', 'numpy', 'einops'])
    .describe('Packages, by top-level name, that a module may import besides the standard library'),
})
export type ModuleOptions = z.infer<typeof ModuleOptions>
