import { z } from 'zod'
import { openScratchDatabase, quoteText } from './duckdb.ts'
import { messageOf } from './errors.ts'
import type { Column } from './parquet.ts'

/**
 * What is wrong with a predicate over a table of these columns, or null. A recipe may come from anybody: a predicate is one
 * expression over the columns of its row, without queries of its own, and gives the same for the same row every time.
 */
export async function predicateProblem(predicate: string, columns: readonly Column[]): Promise<string | null> {
  const database = await openScratchDatabase()
  try {
    // The line break ends a comment that the predicate may end with.
    const statement = `SELECT * FROM facts WHERE (${predicate}\n)`
    const tree = [...(await database.values(`SELECT json_serialize_sql(${quoteText(statement)}) AS value`))].join('')
    const shapeProblem = problemOfTree(JSON.parse(tree), await database.values(VOLATILE_FUNCTIONS))
    if (shapeProblem !== null) return shapeProblem
    const declared = columns.map(({ name, type }) => `"${name}" ${SQL_TYPES[typeof type === 'string' ? type : 'json']}`)
    await database.run(`CREATE TABLE facts (${declared.join(', ')})`)
    await database.run(statement)
    const types = await database.values(
      `SELECT typeof(value) AS value FROM (SELECT (${predicate}\n) AS value FROM facts RIGHT JOIN (SELECT 1) ON true)`,
    )
    return types.has('BOOLEAN') ? null : 'it must be a condition, which is true or false'
  } catch (error) {
    return firstLines(messageOf(error))
  } finally {
    database.close()
  }
}

const SQL_TYPES = { string: 'VARCHAR', int64: 'BIGINT', double: 'DOUBLE', boolean: 'BOOLEAN', json: 'VARCHAR' } as const

const VOLATILE_FUNCTIONS = `SELECT DISTINCT function_name AS value FROM duckdb_functions()
  WHERE stability IS DISTINCT FROM 'CONSISTENT' AND function_type IN ('scalar', 'table', 'table_macro', 'pragma')
  OR function_name IN ('current_setting', 'getenv', 'getvariable', 'nextval', 'currval')`

const Tree = z.object({
  error: z.boolean(),
  error_message: z.string().optional(),
  statements: z
    .array(z.object({ node: z.looseObject({ type: z.string(), where_clause: z.unknown().optional() }) }))
    .default([]),
})

function problemOfTree(value: unknown, forbidden: ReadonlySet<string>): string | null {
  const { error, error_message, statements } = Tree.parse(value)
  if (error) return firstLines(error_message ?? 'it is no SQL expression')
  const [statement, another] = statements
  if (statement === undefined || another !== undefined || !isPlain(statement.node)) return 'it must be one expression'
  return problemOfNode(statement.node.where_clause, forbidden)
}

// A predicate that closes the parenthesis around it could go on as another query.
function isPlain(node: Readonly<Record<string, unknown>>): boolean {
  const empty = (value: unknown): boolean =>
    value === null || value === undefined || (Array.isArray(value) && value.length === 0)
  const isBare = ['qualify', 'having', 'sample'].every((key) => empty(node[key]))
  return node['type'] === 'SELECT_NODE' && isBare && empty(node['modifiers']) && empty(node['group_expressions'])
}

function problemOfNode(node: unknown, forbidden: ReadonlySet<string>): string | null {
  if (Array.isArray(node)) return firstProblem(node, forbidden)
  if (typeof node !== 'object' || node === null) return null
  const fields = new Map<string, unknown>(Object.entries(node))
  if (fields.get('class') === 'SUBQUERY') return 'it may hold no query of its own'
  if (fields.get('class') === 'WINDOW') return 'it may not look at other rows'
  const name = fields.get('function_name')
  if (typeof name === 'string' && forbidden.has(name)) return `${name} may not be used in it`
  return firstProblem([...fields.values()], forbidden)
}

function firstProblem(nodes: readonly unknown[], forbidden: ReadonlySet<string>): string | null {
  for (const node of nodes) {
    const problem = problemOfNode(node, forbidden)
    if (problem !== null) return problem
  }
  return null
}

// DuckDB names the column that is meant; the picture of the statement below would show ours.
function firstLines(message: string): string {
  const lines = message.split('\n').map((line) => line.trim())
  const end = lines.findIndex((line) => line === '' || line.startsWith('LINE '))
  return lines
    .slice(0, end === -1 ? 2 : Math.max(1, end))
    .join(' ')
    .slice(0, 300)
}
