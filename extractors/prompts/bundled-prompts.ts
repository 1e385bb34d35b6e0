import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../pipelines/core/package-root.ts'
import { parsePrompt } from './prompt-file.ts'
import type { PromptFile } from './prompt-file.ts'

/** The prompts that come with curate, by id: one file each. */
export const prompts: ReadonlyMap<string, PromptFile> = readBundled(join(packageRoot, 'extractors', 'prompts', 'texts'))

function readBundled(folder: string): Map<string, PromptFile> {
  const names = readdirSync(folder).filter((name) => name.endsWith('.md'))
  const read = names.sort().map((name) => parsePrompt(readFileSync(join(folder, name), 'utf8'), name))
  return new Map(read.map((prompt) => [prompt.id, prompt]))
}
