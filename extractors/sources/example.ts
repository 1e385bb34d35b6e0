import { join } from 'node:path'
import { z } from 'zod'
import { CurateError } from '../../pipelines/core/errors.ts'
import type { Source, SourceContext } from '../types.ts'
import { exampleNames, examplesDirectory, materializeExample } from './example-repository.ts'
import { git } from './git.ts'

const Options = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and dashes')
    .default('rowwise-kernels')
    .describe('Folder under `examples` of curate itself'),
})
type Options = z.infer<typeof Options>

/** A small library that comes with curate, turned into a real git repository with several commits, and read like any other. */
export const example: Source<Options> = {
  id: 'example',
  version: 1,
  summary: 'A kernel library bundled with curate: needs no network',
  options: Options,
  nameOf: ({ name }) => name,
  async resolve({ name }, context) {
    return git.resolve(await gitOptions(name, context), context)
  },
  async open({ name }, commitSha, context) {
    const options = await gitOptions(name, context)
    const bundled = await git.resolve(options, context)
    if (bundled !== commitSha) throw otherVersion(name, commitSha, bundled)
    // Where the cache lies says nothing about the example, and rows must not depend on it.
    return { ...(await git.open(options, commitSha, context)), name, url: `example:${name}` }
  },
}

async function gitOptions(name: string, context: SourceContext) {
  const names = await exampleNames()
  if (!names.includes(name)) {
    throw new CurateError('unknown_example', `there is no bundled example ${name}`, {
      hint: `Set \`example.name\` of the source to one of: ${names.join(', ')}.`,
    })
  }
  const url = await materializeExample(join(examplesDirectory, name), context.cacheDirectory, context.signal)
  return { url, history: 'full' as const }
}

function otherVersion(name: string, commitSha: string, bundled: string): CurateError {
  return new CurateError('commit_gone', `the bundled example ${name} is at ${bundled}, not at ${commitSha}`, {
    hint: 'It came with another version of curate. Run with --update to take the one that is there now.',
  })
}
