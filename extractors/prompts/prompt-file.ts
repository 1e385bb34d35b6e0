import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { CurateError, messageOf } from '../../pipelines/core/errors.ts'
import { fenced } from '../../pipelines/core/fenced-block.ts'
import { sha256 } from '../../pipelines/core/hash.ts'
import { packageRoot } from '../../pipelines/core/package-root.ts'

/** A prompt as a file holds it: `id`, `version` and its settings, then its parts, each under a line `=== name ===`. */
export interface PromptFile {
  readonly id: string
  /** Raised by every change of a word. */
  readonly version: number
  /** Language of the kernels it asks for; null where it asks for none, as feedback does. */
  readonly language: string | null
  /** Form of the implementation it asks for. */
  readonly form: 'python' | 'native'
  /** Whether answers hold a plan before the code, which then counts as their reasoning. */
  readonly plan: boolean
  /** Name to text; `{{name}}` in it stands for a value. */
  readonly parts: ReadonlyMap<string, string>
  /** Hash of the text and of the examples in it. */
  readonly sha256: string
}

const Head = z.strictObject({
  id: z.string().regex(/^[a-z0-9-]+$/),
  version: z.int().positive(),
  language: z.string().nullable().default(null),
  form: z.enum(['python', 'native']).default('python'),
  examples: z.array(z.string().regex(/^[a-z0-9-]+$/)).default([]),
  plan: z.boolean().default(false),
})

/** Reads the text of a prompt; `place` names the file in errors. */
export function parsePrompt(text: string, place: string): PromptFile {
  const [, head = '', body = ''] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(text.replaceAll('\r\n', '\n')) ?? []
  const { examples, ...settings } = parseHead(head, place)
  const shown = examples.map((name) => renderExample(name, settings, place)).join('\n\n')
  const parts = body.split(/^=== ([a-z_]+) ===\n/m).slice(1)
  const named = parts.flatMap((name, index) =>
    index % 2 === 0 ? [[name, (parts[index + 1] ?? '').replaceAll('{{examples}}', () => shown).trim()] as const] : [],
  )
  return { ...settings, parts: new Map(named), sha256: sha256(JSON.stringify([settings, named])) }
}

/** The text of a part with its places filled; those without a value stay as they are. */
export function fillPart(prompt: PromptFile, part: string, values: Readonly<Record<string, string>>): string {
  const text = prompt.parts.get(part)
  if (text === undefined) throw new TypeError(`the prompt ${prompt.id} has no part ${part}`)
  return text.replaceAll(/\{\{([a-z_]+)\}\}/g, (whole, name: string) => values[name] ?? whole)
}

function parseHead(head: string, place: string): z.infer<typeof Head> {
  try {
    return Head.parse(parse(head))
  } catch (error) {
    const problem = error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error)
    throw new CurateError('bad_prompt', `${place}: not a prompt: ${problem}`, {
      hint: 'A prompt begins with `---`, `id: ...`, `version: 1`, `language: ...`, `---`; see docs/generate.md.',
    })
  }
}

const EXAMPLES = join(packageRoot, 'extractors', 'prompts', 'examples')

function renderExample(name: string, { language, form }: Pick<PromptFile, 'language' | 'form'>, place: string): string {
  const read = (file: string): string => readFileSync(join(EXAMPLES, name, file), 'utf8')
  const file = exampleFile(language ?? '', form)
  try {
    const reference = fenced('python', read('reference.py'))
    return `An example of a module:\n\n${reference}\n\nand of the code that answers it:\n\n${fenced(fenceOf({ language, form }), read(file))}`
  } catch (error) {
    throw new CurateError('bad_prompt', `${place}: no example ${name} for ${language ?? 'no language'}`, {
      hint: `Examples lie in extractors/prompts/examples, one folder each; this one would be ${name}/${file}.`,
      cause: error,
    })
  }
}

/** The file of an example in a language and form. */
export function exampleFile(language: string, form: PromptFile['form']): string {
  return form === 'python' ? `${language}.py` : `native.${language === 'cuda' ? 'cu' : 'cpp'}`
}

/** What follows the fence of a code block with an implementation that a prompt asks for. */
export function fenceOf({ language, form }: Pick<PromptFile, 'language' | 'form'>): string {
  if (form === 'python') return 'python'
  return language === 'cuda' ? 'cuda' : 'cpp'
}
