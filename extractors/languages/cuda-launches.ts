import type { KernelUse, SourceText } from '../types.ts'
import { findFunctions, functionAround } from './c-functions.ts'
import type { BlankedText } from './c-text.ts'
import { lineTable } from './line-table.ts'

/** `kernel<T, 4><<<grid, block>>>(...)`, and names whose address goes to cudaLaunchKernel and its relatives. */
export function findLaunches(file: SourceText, { code, singleBranch }: BlankedText): KernelUse[] {
  const lineOf = lineTable(file.text)
  const functions = findFunctions(singleBranch)
  const launch = (symbol: string, at: number): KernelUse => ({
    symbol,
    kind: 'launch',
    line: lineOf(at),
    function: functionAround(functions, at)?.name ?? null,
    module: null,
  })
  const chevrons = [...code.matchAll(/<<</g)].flatMap(({ index }) => {
    const symbol = launchedName(code, index)
    return symbol === null ? [] : [launch(symbol, index)]
  })
  const calls = [...code.matchAll(/\b(?:cuda|hip|cu)Launch\w*Kernel\w*\s*\(/g)].flatMap(({ index }) => {
    const symbol = /[(,&)]\s*(?:\(\s*(?:const\s+)?void\s*\*\s*\)\s*)?&?\s*((?:\w+::)*\w+)/.exec(code.slice(index))?.[1]
    return symbol === undefined ? [] : [launch(unqualified(symbol), index)]
  })
  return [...chevrons, ...calls]
}

function launchedName(code: string, chevrons: number): string | null {
  let end = chevrons
  while (/\s/.test(code[end - 1] ?? '')) end -= 1
  if (code[end - 1] === '>') {
    let depth = 0
    let at = end - 1
    for (; at >= 0; at -= 1) {
      if (code[at] === '>') depth += 1
      else if (code[at] === '<' && (depth -= 1) === 0) break
    }
    end = at
  }
  const name = /((?:\w+\s*::\s*)*\w+)\s*$/.exec(code.slice(Math.max(0, end - 200), Math.max(0, end)))?.[1]
  return name === undefined ? null : unqualified(name)
}

function unqualified(name: string): string {
  return name.split('::').at(-1)?.trim() ?? name
}
