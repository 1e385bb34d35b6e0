import { CurateError } from '../../pipelines/core/errors.ts'

/** The error of a file that has none of the columns a mapping reads. */
export function missingColumns(path: string, columns: readonly string[], wanted: readonly string[]): CurateError {
  const names = wanted.length > MOST_NAMES ? 'that are read' : wanted.join(', ')
  return new CurateError('missing_column', `${path} has none of the columns ${names}`, {
    hint: `Set \`columns\` of the import in the recipe; the file has ${columns.join(', ')}.`,
  })
}

const MOST_NAMES = 20
