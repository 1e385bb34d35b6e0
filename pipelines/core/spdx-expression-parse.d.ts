declare module 'spdx-expression-parse' {
  /** The tree of an SPDX expression; throws on text that is none. */
  function parse(expression: string): unknown
  export = parse
}
