import type { Piece } from '../python/links.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { literalText } from '../python/values.ts'
import { interpret } from './interpretation.ts'
import type { KnownValues } from './interpretation.ts'
import { moduleVariables, stateTransfers, withoutSteps } from './module-variables.ts'
import type { ProgramRequest } from './pair-program.ts'
import type { PlanScope } from './program-plan.ts'
import { usedVariables } from './step-effects.ts'
import type { StepEffects } from './step-effects.ts'
import type { Code, Frame, TestCode } from './test-code.ts'
import type { PairingScope } from './test-pairing.ts'

/** What a method other than plain comparison changes on the kernel's side. */
export interface KernelSide {
  /** What code of a test calls besides what it names. */
  readonly reached: (code: Code) => readonly Piece[]
  readonly edits: ProgramRequest['kernelEdits']
  readonly symbols: ProgramRequest['kernelSymbols']
  /** Context managers that the method understands, by name. */
  readonly contexts: ReadonlySet<string>
}

/** What a method makes of the kernel's side of a test under known values. */
export type KernelSideOf = (test: TestCode, known: KnownValues) => KernelSide

/** What is known of a test under sets of parameters, and what a method makes of its kernel's side. */
export function planScope(
  scope: PairingScope,
  test: TestCode,
  effects: readonly StepEffects[],
  sets: readonly KnownValues[],
  sideOf: KernelSideOf,
): { plan: PlanScope; side: KernelSide } {
  const { project, settings } = scope
  // What only some parameters make known, such as `None` where others make a tensor, is no configuration.
  const [first = new Map(), ...others] = sets.map((parameters) =>
    interpret(project, test, effects, parameters, scope.meter),
  )
  const known = new Map([...first].filter(([name]) => others.every((values) => values.has(name))))
  const modules = moduleVariables(project, test, known)
  const kept = withoutSteps(effects, stateTransfers(test, modules))
  const side = sideOf(test, known)
  const pieces = (codes: readonly Code[]): Piece[] => [
    ...piecesOf(test, codes, known),
    ...codes.flatMap((code) => side.reached(code)),
  ]
  const plan: PlanScope = {
    project,
    test,
    effects: kept,
    modules,
    known,
    parameters: sets[0] ?? new Map(),
    identities: new Set(settings.identities),
    contexts: side.contexts,
    reach: (codes) => scope.reach(pieces(codes)),
    reachBackward: (codes) => scope.reachBackward(pieces(codes)),
  }
  return { plan, side }
}

// Code of the test, and what the variables in it that stand for classes and functions mean.
function piecesOf(test: TestCode, codes: readonly Code[], known: KnownValues): Piece[] {
  const symbols = new Set(codes.flatMap((code) => [...usedVariables(test, code)]))
  return [
    ...codes.map(pieceOf),
    ...[...symbols].flatMap((name): Piece[] => {
      const value = known.get(name)
      if (value?.kind !== 'symbol' || literalText(value) !== null) return []
      return [namedPiece(value)]
    }),
  ]
}

// The same piece for the same code: what a piece means is worked out once.
const PIECES = new WeakMap<Frame, WeakMap<SyntaxNode, Piece>>()

function pieceOf({ frame, node }: Code): Piece {
  const known = PIECES.get(frame) ?? new WeakMap<SyntaxNode, Piece>()
  PIECES.set(frame, known)
  const isLocal = (name: string): boolean => frame.locals.has(name)
  const piece = known.get(node) ?? { module: frame.module, node, isLocal, skip: [] }
  known.set(node, piece)
  return piece
}

const NAMED = new WeakMap<SyntaxNode, Piece>()

function namedPiece({ module, node }: Pick<Piece, 'module' | 'node'>): Piece {
  const piece = NAMED.get(node) ?? { module, node, isLocal: () => false, skip: [] }
  NAMED.set(node, piece)
  return piece
}
