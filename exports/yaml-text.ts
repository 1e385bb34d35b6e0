import { stringify } from 'yaml'

/** YAML that says the same for the same value. */
export function renderYaml(value: unknown): string {
  return stringify(value, { lineWidth: 120, aliasDuplicateObjects: false })
}
