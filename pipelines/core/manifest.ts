import { readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeFileAtomic } from './atomic-file.ts'
import { systemCodeOf } from './errors.ts'
import { hashOf } from './hash.ts'
import { STAGE_NAMES } from './stage.ts'

const Output = z.object({
  path: z.string().describe('Relative to the folder of the shard'),
  num_rows: z.int().nullable().describe('Null for files that are no table'),
  num_bytes: z.int(),
  sha256: z.string(),
})
export type Output = z.infer<typeof Output>

/** What a finished shard says of itself. Present and matching means done. */
export const Manifest = z.object({
  format_version: z.literal(1),
  stage: z.enum(STAGE_NAMES),
  stage_version: z.int(),
  shard: z.string(),
  config_hash: z.string().describe('Of everything in the recipe and of every plug-in version the shard depends on'),
  input_hash: z.string().describe('Of what was read from outside and of the output hashes of the input shards'),
  output_hash: z.string().describe('Of the outputs below: what the next stage’s input hash is made of'),
  curate_version: z.string(),
  engine: z.string(),
  host: z.string(),
  attempt: z
    .string()
    .nullable()
    .default(null)
    .describe('Which try at the shard it was; null from before tries had names'),
  plan_hash: z.string().nullable().default(null).describe('Of the plan of the stage it was made for'),
  started_at: z.string(),
  finished_at: z.string(),
  duration_ms: z.number(),
  peak_memory_bytes: z.int().describe('Largest resident set of the process when the shard finished'),
  counts: z.object({
    read: z.record(z.string(), z.int()).describe('Rows read per table'),
    written: z.record(z.string(), z.int()).describe('Rows written per table'),
  }),
  reject_reasons: z.record(z.string(), z.int()).describe('`plugin@version:reason` to count'),
  outputs: z.array(Output),
})
export type Manifest = z.infer<typeof Manifest>

const FILE_NAME = 'manifest.json'

/** The hash the next stage depends on: names and contents of the outputs, nothing of when or where. */
export function outputHash(outputs: readonly Output[]): string {
  return hashOf(outputs.map(({ path, sha256 }) => ({ path, sha256 })))
}

/** Writes a manifest, the last act of a shard. */
export async function writeManifest(directory: string, manifest: Manifest): Promise<void> {
  await writeFileAtomic(join(directory, FILE_NAME), `${JSON.stringify(manifest, null, 2)}\n`)
}

/** The manifest in a shard's folder, or null where there is none that can be read. */
export async function readManifest(directory: string): Promise<Manifest | null> {
  try {
    const parsed = Manifest.safeParse(JSON.parse(await readFile(join(directory, FILE_NAME), 'utf8')))
    return parsed.success ? parsed.data : null
  } catch (error) {
    if (error instanceof SyntaxError || systemCodeOf(error) === 'ENOENT') return null
    throw error
  }
}

/** Takes back the word that a shard is done, before anything of it changes. */
export async function removeManifest(directory: string): Promise<void> {
  await rm(join(directory, FILE_NAME), { force: true })
}

/** The first output that is gone or has another size, or null; cheap, so that planning stays quick. */
export async function missingOutput(directory: string, manifest: Manifest): Promise<string | null> {
  for (const output of manifest.outputs) {
    const found = await stat(join(directory, output.path)).catch(() => null)
    if (found === null || found.size !== output.num_bytes) return output.path
  }
  return null
}
