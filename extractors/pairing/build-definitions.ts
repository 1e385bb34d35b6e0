import { posix } from 'node:path'

/** Whether a file says how CMake builds a project. */
export function isCMakeFile(path: string): boolean {
  return posix.basename(path) === 'CMakeLists.txt' || path.endsWith('.cmake')
}

/**
 * The macros that a project's CMake files define for every build with CUDA, as compiler flags by name: `ENABLE_FP8` to `-DENABLE_FP8`.
 * What is defined for some machines or vendors only, or where something was not found, is left out.
 */
export function cmakeDefinitions(files: ReadonlyMap<string, string>): Map<string, string> {
  const found = new Map<string, string>()
  for (const [path, text] of files) {
    if (!isCMakeFile(path) || OTHER_VENDORS.test(posix.basename(path))) continue
    for (const [name, flag] of definitionsIn(commandsOf(text))) found.set(name, flag)
  }
  return found
}

/** A command of CMake: `list(APPEND FLAGS "-DX")` is `list` with three arguments. */
interface Command {
  readonly name: string
  readonly args: readonly string[]
}

// https://cmake.org/cmake/help/latest/manual/cmake-language.7.html: comments, quoted and bracket arguments, brackets inside of arguments.
const TOKEN = /#\[(=*)\[[^]*?\]\1\]|#[^\n]*|\[(=*)\[([^]*?)\]\2\]|"((?:[^"\\]|\\[^])*)"|[()]|[^\s()#"]+/g

function commandsOf(text: string): Command[] {
  const commands: Command[] = []
  let [name, args, depth]: [string, string[], number] = ['', [], 0]
  for (const { 0: token, 3: bracketed, 4: quoted } of text.matchAll(TOKEN)) {
    if (token.startsWith('#')) continue
    const isText = bracketed !== undefined || quoted !== undefined
    if (depth === 0) {
      if (token === '(' && name !== '') [args, depth] = [[], 1]
      else name = isText ? '' : token
      continue
    }
    if (token === '(' && !isText) depth += 1
    if (token === ')' && !isText) depth -= 1
    if (depth > 0) args.push(bracketed ?? quoted ?? token)
    else {
      commands.push({ name: name.toLowerCase(), args })
      name = ''
    }
  }
  return commands
}

// Conditions on anything but CUDA itself and its version hold for some builds only.
const FOR_CUDA = /cuda/i
const FOR_SOME = /hip|rocm|musa|xpu|sycl|arch|cpu|apple|win32|msvc|debug|\bnot\b|_found|exists/i

function definitionsIn(commands: readonly Command[]): [string, string][] {
  const conditions: boolean[] = []
  return commands.flatMap(({ name, args }): [string, string][] => {
    const condition = args.join(' ')
    const holds = FOR_CUDA.test(condition) && !FOR_SOME.test(condition)
    if (name === 'if') conditions.push(holds)
    else if (name === 'elseif') conditions[conditions.length - 1] = holds
    else if (name === 'else') conditions[conditions.length - 1] = false
    else if (name === 'endif') conditions.pop()
    return conditions.includes(false) ? [] : definedBy(name, args)
  })
}

const NAMES_ALONE = new Set(['add_compile_definitions', 'target_compile_definitions'])
const WITH_FLAGS = new Set([
  'add_compile_options',
  'add_definitions',
  'list',
  'set',
  'set_property',
  'set_source_files_properties',
  'set_target_properties',
  'string',
  'target_compile_options',
])

function definedBy(command: string, args: readonly string[]): [string, string][] {
  if (args[0] === 'REMOVE_ITEM' || !(NAMES_ALONE.has(command) || WITH_FLAGS.has(command))) return []
  const words = args.flatMap((argument) => argument.split(/[\s;]+/))
  return words.flatMap((word): [string, string][] => {
    const pattern = NAMES_ALONE.has(command) ? /^(?:-D)?([A-Z][A-Z0-9_]*)(=\w+)?$/ : /^-D([A-Za-z]\w*)(=\w+)?$/
    const [, macro, value = ''] = pattern.exec(word) ?? []
    return macro === undefined || VISIBILITY.has(macro) || OTHER_VENDORS.test(macro)
      ? []
      : [[macro, `-D${macro}${value}`]]
  })
}

// `Hip.cmake` is included for builds without CUDA, and `USE_ROCM` asks for headers that are not there.
const OTHER_VENDORS = /hip|rocm|musa|xpu|sycl/i
const VISIBILITY = new Set(['PRIVATE', 'PUBLIC', 'INTERFACE', 'BEFORE'])
