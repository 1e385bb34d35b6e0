import type { BlankedText, Directive } from './c-text.ts'

/** The macros of a file that stand for a kernel mark, and those that stand for whole kernels. */
export interface KernelMacros {
  /** The mark, and every name that the file gives it. Without `g`. */
  readonly word: RegExp
  /** Definitions whose text is a template for kernels. */
  readonly templates: readonly Directive[]
}

/**
 * Reads the `#define`s that hold a kernel mark. One without parameters and without a body, such as
 * `#define DECODE_KERNEL __global__ __launch_bounds__(256)`, is another name for the mark: what it stands before is a kernel. Every
 * other one makes kernels where it is used.
 */
export function kernelMacros({ directives }: BlankedText, word: RegExp): KernelMacros {
  const defines = directives.filter(({ name, argument }) => name === 'define' && word.test(argument))
  const others = defines.filter(({ argument }) => !isWord(nameOf(argument), word))
  const aliases = others.filter(({ argument }) => ALIAS.test(argument)).map(({ argument }) => nameOf(argument))
  const names = [word.source, ...aliases.map((name) => `\\b${name}\\b`)]
  return {
    word: aliases.length === 0 ? word : new RegExp(names.map((name) => `(?:${name})`).join('|')),
    templates: others.filter(({ argument }) => !ALIAS.test(argument)),
  }
}

/** The name that a `#define` gives. */
export function nameOf(argument: string): string {
  return /^\w+/.exec(argument)?.[0] ?? ''
}

// `#define __global__ __attribute__((global))` says what the mark is, and makes nothing.
function isWord(name: string, word: RegExp): boolean {
  return word.exec(name)?.[0] === name
}

const ALIAS = /^\w+(?!\()\s[^{};#]*$/
