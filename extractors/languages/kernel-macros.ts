import type { BlankedText, Directive } from './c-text.ts'

/** The macros of a file that stand for a kernel mark, and those that stand for whole kernels. */
export interface KernelMacros {
  /** The mark, and every name that the file gives it. Without `g`. */
  readonly word: RegExp
  /** Macros that write a kernel's head, its name being their first argument; the body follows where they are used. */
  readonly heads: readonly string[]
  /** Definitions whose text is a template for whole kernels. */
  readonly templates: readonly Directive[]
}

/**
 * Reads the `#define`s that hold a kernel mark. One without parameters and without a body, such as
 * `#define DECODE_KERNEL __global__ __launch_bounds__(256)`, is another name for the mark: what it stands before is a kernel. One with
 * parameters and without a body, such as `#define KERNEL(name, T) __global__ void name(T* x)`, is a kernel's head. Explicit
 * instantiations make nothing. Every other one makes whole kernels where it is used.
 */
export function kernelMacros({ directives }: BlankedText, word: RegExp): KernelMacros {
  const defines = directives.filter(({ name, argument }) => name === 'define' && word.test(argument))
  const others = defines.filter(({ argument }) => !isWord(nameOf(argument), word) && !INSTANTIATION.test(argument))
  const aliases = others.filter(({ argument }) => ALIAS.test(argument)).map(({ argument }) => nameOf(argument))
  const names = [word.source, ...aliases.map((name) => `\\b${name}\\b`)]
  return {
    word: aliases.length === 0 ? word : new RegExp(names.map((name) => `(?:${name})`).join('|')),
    heads: others.filter(({ argument }) => HEAD.test(argument)).map(({ argument }) => nameOf(argument)),
    templates: others.filter(({ argument }) => !ALIAS.test(argument) && !HEAD.test(argument)),
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
const HEAD = /^\w+\([^{};]*$/
const INSTANTIATION = /\btemplate\b(?!\s*<)/
