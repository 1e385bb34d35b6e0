import { z } from 'zod'
import { fillTemplate, isObject, isOptional, lookUp, pathsOf, typeName } from './templates.ts'

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
  /** The program that an extension is called from. */
  readonly functional: string | null
  /** Path of a list of workloads: name in the reference's module to Python literal. Null for the one the reference holds. */
  readonly workloads: string | null
  /** Path of a list of `{role, content}`: each message of an assistant is a turn. */
  readonly turns: string | null
  /** What the items of that list hold, where they are no messages: templates over an item. */
  readonly attempt: AttemptMapping | null
  readonly reasoning: string | null
  readonly generator: string | null
  readonly language: string | null
  /** Repository that the row's code is from, as `owner/name`, the commit it was read at, and what licenses it. */
  readonly repo_name: string | null
  readonly commit_sha: string | null
  readonly license: string | null
  /** Of a search with a row per attempt: its name, that of the one it was made from, how good it is, and what was found out of it. */
  readonly attempt_id: string | null
  readonly parent_id: string | null
  readonly score: string | null
  readonly feedback: string | null
}

/** What an attempt in a list of them holds. */
export interface AttemptMapping {
  readonly code: string
  readonly reasoning: string | null
  /** What was found out of it, which the next one was made with. */
  readonly feedback: string | null
}

/** A mapping that reads nothing but a task's name. */
export const NOTHING_ELSE: Omit<RowMapping, 'task'> = {
  reference: null,
  reference_class: null,
  code: null,
  code_class: null,
  functional: null,
  workloads: null,
  turns: null,
  attempt: null,
  reasoning: null,
  generator: null,
  language: null,
  repo_name: null,
  commit_sha: null,
  license: null,
  attempt_id: null,
  parent_id: null,
  score: null,
  feedback: null,
}

/** One answer of a model, with what it was told before it. */
export interface Turn {
  readonly feedback: string | null
  readonly answer: string
  /** Null where it stands in the answer, or nobody wrote one. */
  readonly reasoning: string | null
}

/** A row as its mapping reads it: texts, null where the file has none. */
export interface MappedRow {
  readonly task: string
  readonly reference: string | null
  readonly reference_class: string | null
  readonly code: string | null
  readonly code_class: string | null
  readonly functional: string | null
  readonly workloads: readonly Readonly<Record<string, string>>[]
  readonly turns: readonly Turn[] | null
  readonly reasoning: string | null
  readonly generator: string | null
  readonly language: string | null
  readonly repo_name: string | null
  readonly commit_sha: string | null
  readonly license: string | null
  readonly attempt_id: string | null
  readonly parent_id: string | null
  readonly score: string | null
  readonly feedback: string | null
}

/** A row, or why it cannot be read as the mapping says. */
type ReadRow =
  | { readonly row: MappedRow; readonly reason: null }
  | { readonly row: null; readonly reason: ColumnProblem; readonly detail: string }
type ColumnProblem = 'not_an_object' | 'missing_value' | 'wrong_type'

const FIELDS = [
  'task',
  'reference',
  'reference_class',
  'code',
  'code_class',
  'functional',
  'reasoning',
  'generator',
  'language',
  'repo_name',
  'commit_sha',
  'license',
  'attempt_id',
  'parent_id',
  'score',
  'feedback',
] as const

/** Applies a mapping to one row; `number` is what `{#}` stands for. */
export function mapColumns(stored: unknown, mapping: RowMapping, number: number): ReadRow {
  if (!isObject(stored)) return failure('not_an_object', `the row is ${typeName(stored)}, not an object with columns`)
  const value: Record<string, unknown> = { ...stored, '#': number }
  const problems: ReadRow[] = []
  function read(template: string | null, isRequired = false, figures = false): string | null {
    if (template === null) return null
    const { text, problem } = fillTemplate(value, template, { figures })
    if (problem !== null) problems.push(failure('wrong_type', problem))
    else if (text === null && isRequired && !isOptional(template)) problems.push(missing(template))
    return text
  }
  const turns = mapping.turns === null ? null : readTurns(value, mapping.turns, mapping.attempt)
  if (typeof turns === 'string') return failure('wrong_type', turns)
  const workloads = mapping.workloads === null ? [{}] : Workloads.safeParse(lookUp(value, mapping.workloads)).data
  if (workloads === undefined) return failure('wrong_type', `the column ${mapping.workloads} holds no workloads`)
  const row = {
    task: read(mapping.task, true) ?? '',
    turns,
    workloads,
    // What a mapping declares and a row lacks is no row; a trace, a model's name or a licence may be absent.
    reference: read(mapping.reference, true),
    reference_class: read(mapping.reference_class, true),
    code: read(mapping.code, true),
    code_class: read(mapping.code_class, true),
    functional: read(mapping.functional, true),
    reasoning: read(mapping.reasoning),
    generator: read(mapping.generator),
    language: read(mapping.language),
    repo_name: read(mapping.repo_name),
    commit_sha: read(mapping.commit_sha),
    license: read(mapping.license),
    attempt_id: read(mapping.attempt_id, true),
    parent_id: read(mapping.parent_id),
    score: read(mapping.score, false, true),
    feedback: read(mapping.feedback, false, true),
  }
  return problems[0] ?? { row, reason: null }
}

const Workloads = z.array(z.record(z.string(), z.string())).min(1)

/** The top-level columns that a mapping may read: a path's first part, or a name that itself has dots. */
export function columnsOfMapping(mapping: RowMapping): string[] {
  const templates = FIELDS.map((field) => mapping[field]).filter((template) => template !== null)
  const turns = mapping.turns === null ? [] : [mapping.turns]
  const workloads = mapping.workloads === null ? [] : [mapping.workloads]
  const paths = [...templates.flatMap(pathsOf), ...turns, ...workloads]
  return [...new Set(paths.flatMap((path) => [path, path.split('.')[0] ?? path]))].toSorted()
}

function readTurns(row: Record<string, unknown>, path: string, attempt: AttemptMapping | null): Turn[] | string {
  const messages = lookUp(row, path)
  const kind = attempt === null ? 'messages' : 'attempts'
  if (!Array.isArray(messages)) return `the column ${path} holds ${typeName(messages ?? null)}, not a list of ${kind}`
  return attempt === null ? turnsOfMessages(messages, path) : turnsOfAttempts(messages, path, attempt)
}

function turnsOfMessages(messages: readonly unknown[], path: string): Turn[] | string {
  const turns: Turn[] = []
  let told: string[] = []
  for (const message of messages) {
    const role = isObject(message) ? message['role'] : null
    const content = isObject(message) ? message['content'] : null
    if (typeof role !== 'string' || typeof content !== 'string') return `a message of ${path} has no role or no content`
    if (role !== 'assistant') told.push(content)
    else {
      turns.push({
        feedback: turns.length === 0 || told.length === 0 ? null : told.join('\n\n'),
        answer: content,
        reasoning: null,
      })
      told = []
    }
  }
  return turns
}

// Each was made with what was found out of the one before it.
function turnsOfAttempts(attempts: readonly unknown[], path: string, mapping: AttemptMapping): Turn[] | string {
  const turns: Turn[] = []
  let feedback: string | null = null
  for (const attempt of attempts) {
    if (!isObject(attempt)) return `an attempt of ${path} is ${typeName(attempt ?? null)}, not an object`
    const read = (template: string | null) =>
      template === null ? null : fillTemplate(attempt, template, { figures: true })
    const [code, reasoning, found] = [mapping.code, mapping.reasoning, mapping.feedback].map(read)
    const problem = code?.problem ?? reasoning?.problem ?? found?.problem ?? null
    if (problem !== null) return `${path}: ${problem}`
    turns.push({ feedback, answer: code?.text ?? '', reasoning: reasoning?.text ?? null })
    feedback = found?.text ?? null
  }
  return turns
}

function missing(template: string): ReadRow {
  const paths = pathsOf(template).join(' or ')
  return failure('missing_value', `the column ${paths} is absent or null`)
}

function failure(reason: ColumnProblem, detail: string): ReadRow {
  return { row: null, reason, detail }
}
