import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { CurateError, messageOf } from '../../pipelines/core/errors.ts'
import { fenced } from '../../pipelines/core/fenced-block.ts'
import { hashOf } from '../../pipelines/core/hash.ts'
import type { ChatMessage } from '../models/types.ts'
import { fenceOf, fillPart, parsePrompt } from './prompt-file.ts'
import type { PromptFile } from './prompt-file.ts'
import { prompts } from './bundled-prompts.ts'

/** Whether a recipe means a file of its own, and not one that comes with curate. */
export function isPromptPath(prompt: string): boolean {
  return prompt.endsWith('.md')
}

/** The prompt that a recipe names: the id of a bundled one, or a file relative to the recipe. */
export async function openPrompt(name: string, recipeDirectory: string): Promise<PromptFile> {
  const prompt = isPromptPath(name) ? await readPrompt(resolve(recipeDirectory, name)) : prompts.get(name)
  if (prompt?.parts.has('user') === true && prompt.language !== null) return prompt
  throw new CurateError('bad_prompt', `${name} is no prompt that asks for a kernel`, {
    hint: `It needs a \`language\` and a part \`=== user ===\`. Bundled ones: ${kernelPrompts().join(', ')}.`,
  })
}

/** Ids of the bundled prompts that ask for a kernel. */
export function kernelPrompts(): string[] {
  return [...prompts.values()].filter(({ language }) => language !== null).map(({ id }) => id)
}

/** What a prompt is told of a task. */
export interface PromptValues {
  readonly reference: string
  /** An implementation that is to be corrected, and what is wrong with it; null where one is to be written. */
  readonly attempt: { readonly code: string; readonly feedback: string } | null
}

/** The messages that begin a conversation. */
export function firstMessages(prompt: PromptFile, { reference, attempt }: PromptValues): ChatMessage[] {
  const values = {
    reference: fenced('python', reference),
    ...(attempt === null ? {} : { code: fenced(fenceOf(prompt), attempt.code), feedback: attempt.feedback }),
  }
  const system = prompt.parts.has('system')
    ? [{ role: 'system' as const, content: fillPart(prompt, 'system', {}) }]
    : []
  return [...system, { role: 'user', content: fillPart(prompt, 'user', values) }]
}

/** SHA-256 of the messages as they are sent: equal prompts have equal hashes, whatever file they come from. */
export function hashOfMessages(messages: readonly ChatMessage[]): string {
  return hashOf(messages.map(({ role, content }) => ({ role, content })))
}

async function readPrompt(path: string): Promise<PromptFile> {
  try {
    return parsePrompt(await readFile(path, 'utf8'), path)
  } catch (error) {
    if (error instanceof CurateError) throw error
    throw new CurateError('bad_prompt', `${path} cannot be read: ${messageOf(error)}`, {
      hint: 'Paths of prompts are relative to the folder of the recipe.',
      cause: error,
    })
  }
}
