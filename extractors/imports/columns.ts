import { fillTemplate, isObject, lookUp, pathsOf, typeName } from './templates.ts'

/**
 * What a row of a file holds, declared: every value is a template over the row's columns (`{module_name}`,
 * `{messages.-1.content}`) or null where the file has no such thing.
 */
export interface RowMapping {
  /** Id or name of the task; the name alone where the row brings the reference itself. */
  readonly task: string
  /** The task's program, for rows that bring their task. */
  readonly reference: string | null
  /** Name of the reference's class; `Model` where it is null. */
  readonly reference_class: string | null
  /** The implementation; null for rows that are tasks alone, and for turns. */
  readonly code: string | null
  /** Name of the implementation's class; `ModelNew` where it is null. */
  readonly code_class: string | null
  /** Path of a list of `{role, content}`: each message of an assistant is a turn. */
  readonly turns: string | null
  readonly reasoning: string | null
  readonly generator: string | null
  readonly language: string | null
  /** Repository that the row's code is from, as `owner/name`, the commit it was read at, and what licenses it. */
  readonly repo_name: string | null
  readonly commit_sha: string | null
  readonly license: string | null
  /** Columns that must hold a text for the row to be taken; rows of other kinds are rejects. */
  readonly only: Readonly<Record<string, string>>
}

/** A mapping that reads nothing but a task's name. */
export const NOTHING_ELSE: Omit<RowMapping, 'task'> = {
  reference: null,
  reference_class: null,
  code: null,
  code_class: null,
  turns: null,
  reasoning: null,
  generator: null,
  language: null,
  repo_name: null,
  commit_sha: null,
  license: null,
  only: {},
}

/** One answer of a model, with what it was told before it. */
export interface Turn {
  readonly feedback: string | null
  readonly answer: string
}

/** A row as its mapping reads it: texts, null where the file has none. */
export interface MappedRow extends Record<TextField, string | null> {
  readonly task: string
  readonly turns: readonly Turn[] | null
}

/** A row, or why it cannot be read as the mapping says. */
type ReadRow =
  | { readonly row: MappedRow; readonly reason: null }
  | { readonly row: null; readonly reason: ColumnProblem; readonly detail: string }
type ColumnProblem = 'not_an_object' | 'missing_value' | 'wrong_type' | 'other_kind'

const OPTIONAL = [
  'reference',
  'reference_class',
  'code',
  'code_class',
  'reasoning',
  'generator',
  'language',
  'repo_name',
  'commit_sha',
  'license',
] as const
type TextField = (typeof OPTIONAL)[number]

// What a mapping declares and a row lacks is no row; a trace, a model's name or a licence may be absent.
const REQUIRED = new Set<TextField>(['reference', 'reference_class', 'code', 'code_class'])

/** Applies a mapping to one row. */
export function mapColumns(value: unknown, mapping: RowMapping): ReadRow {
  if (!isObject(value)) return failure('not_an_object', `the row is ${typeName(value)}, not an object with columns`)
  for (const [path, expected] of Object.entries(mapping.only)) {
    const found = fillTemplate(value, `{${path}}`).text
    if (found !== expected) return failure('other_kind', `the column ${path} is ${found ?? 'absent'}, not ${expected}`)
  }
  const task = fillTemplate(value, mapping.task)
  if (task.problem !== null) return failure('wrong_type', task.problem)
  if (task.text === null) return missing(mapping.task)
  const texts: Partial<Record<TextField, string | null>> = {}
  for (const field of OPTIONAL) {
    const template = mapping[field]
    const read = template === null ? { text: null, problem: null } : fillTemplate(value, template)
    if (read.problem !== null) return failure('wrong_type', read.problem)
    if (template !== null && read.text === null && REQUIRED.has(field)) return missing(template)
    texts[field] = read.text
  }
  const turns = mapping.turns === null ? null : readTurns(value, mapping.turns)
  if (typeof turns === 'string') return failure('wrong_type', turns)
  return { row: { task: task.text, turns, ...withAllFields(texts) }, reason: null }
}

/** The top-level columns that a mapping may read: a path's first part, or a name that itself has dots. */
export function columnsOfMapping(mapping: RowMapping): string[] {
  const templates = [mapping.task, ...OPTIONAL.map((field) => mapping[field])].filter((template) => template !== null)
  const turns = mapping.turns === null ? [] : [mapping.turns]
  const paths = [...templates.flatMap(pathsOf), ...turns, ...Object.keys(mapping.only)]
  return [...new Set(paths.flatMap((path) => [path, path.split('.')[0] ?? path]))].toSorted()
}

function readTurns(row: Record<string, unknown>, path: string): Turn[] | string {
  const messages = lookUp(row, path)
  if (!Array.isArray(messages)) return `the column ${path} holds ${typeName(messages ?? null)}, not a list of messages`
  const turns: Turn[] = []
  let told: string[] = []
  for (const message of messages) {
    const role = isObject(message) ? message['role'] : null
    const content = isObject(message) ? message['content'] : null
    if (typeof role !== 'string' || typeof content !== 'string') return `a message of ${path} has no role or no content`
    if (role !== 'assistant') told.push(content)
    else {
      turns.push({ feedback: turns.length === 0 || told.length === 0 ? null : told.join('\n\n'), answer: content })
      told = []
    }
  }
  return turns
}

function withAllFields(texts: Partial<Record<TextField, string | null>>): Record<TextField, string | null> {
  const { reference = null, reference_class = null, code = null, code_class = null, reasoning = null } = texts
  const { generator = null, language = null, repo_name = null, commit_sha = null, license = null } = texts
  return { reference, reference_class, code, code_class, reasoning, generator, language, repo_name, commit_sha, license }
}

function missing(template: string): ReadRow {
  const paths = pathsOf(template).join(' or ')
  return failure('missing_value', `the column ${paths} is absent or null`)
}

function failure(reason: ColumnProblem, detail: string): ReadRow {
  return { row: null, reason, detail }
}
