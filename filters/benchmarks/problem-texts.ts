import { z } from 'zod'

/** The problems in a file of a benchmark: name to text. A text that is empty is a problem that is known by its name alone. */
export type ReadProblems = (name: string, text: string) => ReadonlyMap<string, string>

/** What stands above the line of number signs after which TritonBench and KernelBench-X have their tests. */
export const beforeTests: ReadProblems = (name, text) => new Map([[name, text.split(/^#{20,}[ \t]*$/m, 1)[0] ?? text]])

const Definition = z.object({ reference: z.string() })

/** The program in a definition of FlashInfer-Bench. */
export const referenceOfDefinition: ReadProblems = (name, text) =>
  new Map([[name, Definition.parse(JSON.parse(text)).reference]])

/** The operators of BackendBench: its map has a line for each overload, which names the operator that it stands for. */
export const operatorsOfMap: ReadProblems = (_name, text) =>
  new Map([...text.matchAll(/^canonical:(?<operator>\w+)/gm)].map(({ groups }) => [groups?.['operator'] ?? '', '']))
