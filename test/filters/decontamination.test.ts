import { describe, expect, it } from 'vitest'
import { indexProblems, readIndex, renderIndex } from '../../filters/benchmarks/benchmark-index.ts'
import { BENCHMARKS } from '../../filters/benchmarks/benchmark-list.ts'
import { openContamination } from '../../filters/benchmarks/contamination.ts'
import { beforeTests, operatorsOfMap, referenceOfDefinition } from '../../filters/benchmarks/problem-texts.ts'
import { benchmarkOfGenerator } from '../../filters/benchmarks/trained-generators.ts'
import { decontamination } from '../../filters/decontamination.ts'
import { aCandidate, aTask } from '../records.ts'
import { askRecord, stated } from './selecting.ts'

const OPERATORS = ['relu', 'gelu', 'tanh', 'sigmoid', 'exp', 'log']

/** A problem in the form of the benchmarks; `body` is what it computes. */
function problem(body: string): string {
  return `import torch
import torch.nn as nn

class Model(nn.Module):
    """A problem."""
    def __init__(self, size: int):
        super().__init__()
        self.size = size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        ${body}

batch = 16

def get_inputs():
    return [torch.rand(batch, 1024)]

def get_init_inputs():
    return [3]
`
}

const FUSED =
  'scaled = x * self.size + x.mean(dim=1, keepdim=True)\n        gate = torch.sigmoid(scaled[:, : x.shape[1]])\n        return gate * torch.nn.functional.normalize(x - gate, p=2, dim=-1)'
const benchmark = { id: 'bench', url: '', commit: '', problems: /x/, language: 'python' } as const
const texts = new Map([
  ...OPERATORS.map((name): [string, string] => [`1_${name}`, problem(`return torch.${name}(x)`)]),
  ['7_fused', problem(FUSED)],
])
const contamination = openContamination(indexProblems(benchmark, texts))

const compare = (reference: string, name = 'some_task', code = 'x = 1') => {
  const task = aTask({ reference, name })
  return contamination({ task, candidate: aCandidate(task, { sources: [{ path: 'kernel.py', content: code }] }) })
}

describe('contamination', () => {
  it('finds a problem again whose names, comments and sizes are others', () => {
    const copied = problem(FUSED)
      .replaceAll('scaled', 'shifted')
      .replaceAll('"""A problem."""', '"""Mine."""')
      .replace('1024', '512')
    const found = compare(copied)
    expect(found).toMatchObject({ contamination_nearest: 'bench/7_fused', contamination_structure: 1 })
    expect(found.contamination_ngram).toBeGreaterThan(0.5)
  })

  it('finds a problem in code as well as in references', () => {
    expect(compare('y = 2', 'some_task', problem(FUSED))).toMatchObject({
      contamination: 1,
      contamination_nearest: 'bench/7_fused',
    })
  })

  it('finds by its whole text what has no words of its own', () => {
    expect(compare(problem('return torch.relu(x)'))).toMatchObject({
      contamination_ngram: 1,
      contamination_nearest: 'bench/1_relu',
    })
    expect(
      compare(problem('return torch.relu(x)').replaceAll('x: ', 'value: ').replace('(x)', '(value)')),
    ).toMatchObject({ contamination_ngram: 1 })
  })

  it('takes the common form of problems for no similarity', () => {
    const other = compare(problem('return torch.softmax(x, dim=-1)'))
    expect(other.contamination_ngram).toBeLessThan(0.3)
    expect(compare('def unrelated(): pass')).toMatchObject({
      contamination: 0,
      contamination_nearest: null,
      contamination_measure: null,
    })
  })

  it('knows the name of a problem', () => {
    expect(compare('y = 2', 'ReLU')).toMatchObject({
      contamination_name: 1,
      contamination_measure: 'name',
      contamination_nearest: 'bench/1_relu',
    })
    expect(compare('y = 2', 'relu_backward').contamination_name).toBe(0)
  })

  it('takes documentation for no part of a program, on either side', () => {
    const told = problem(FUSED).replace('"""A problem."""', `"""${'What nobody would copy with it. '.repeat(40)}"""`)
    const [ofTold] = indexProblems(benchmark, new Map([['told', told]]))
    const [ofPlain] = indexProblems(benchmark, new Map([['told', problem(FUSED)]]))
    expect(ofTold).toEqual(ofPlain)
    expect(compare(told).contamination_ngram).toBe(1)
  })

  it('knows an operator that is asked for by its name, by the name of a task or as all that its reference calls', () => {
    const names = operatorsOfMap(
      'op_map',
      'canonical:native_layer_norm.default func:x\ncanonical:relu.default func:y\n',
    )
    const asked = openContamination(indexProblems({ ...benchmark, id: 'operators' }, names))
    const compared = (reference: string, name: string) => {
      const task = aTask({ reference, name })
      return asked({ task, candidate: aCandidate(task) })
    }
    expect(compared('y = 2', 'layer_norm')).toMatchObject({ contamination_nearest: 'operators/native_layer_norm' })
    expect(compared('def f(x):\n    return torch.relu(x)\n', 'mine')).toMatchObject({
      contamination_name: 1,
      contamination_nearest: 'operators/relu',
    })
    expect(compared('def f(x):\n    return torch.relu(torch.exp(x))\n', 'mine').contamination_name).toBe(0)
    expect(compared('', 'mine')).toMatchObject({ contamination: 0, contamination_ngram: 0 })
  })

  it('does not take for common what the variants of one problem share', () => {
    const variants = new Map(
      [1, 2, 3, 4, 5, 6].map((size): [string, string] => [
        `norm/size_${size}`,
        problem(FUSED).replace('1024', `${size}`),
      ]),
    )
    const own = (hasVariants: boolean) => indexProblems({ ...benchmark, hasVariants }, variants)[0]?.ngram.length ?? 0
    expect(own(false)).toBeLessThan(10)
    expect(own(true)).toBe(64)
  })

  it('finds a problem by its graph, and says nothing of graphs that nobody traced the same way', () => {
    const [here, elsewhere] = ['graph@1/torch2.13/', 'graph@1/torch2.14/']
    const graphs = new Map([['7_fused', `${here}fused`]])
    const withGraphs = openContamination(indexProblems(benchmark, texts, graphs))
    const task = aTask({ reference: 'y = 2' })
    const compared = (graph: string | null) => withGraphs({ task, candidate: aCandidate(task), graph })
    expect(compared(`${here}fused`)).toMatchObject({
      contamination: 1,
      contamination_graph: 1,
      contamination_measure: 'graph',
      contamination_nearest: 'bench/7_fused',
    })
    expect(compared(`${here}other`).contamination_graph).toBe(0)
    expect(compared(`${elsewhere}fused`).contamination_graph).toBeNull()
    expect(compared(null).contamination_graph).toBeNull()
    expect(contamination({ task, candidate: aCandidate(task), graph: `${here}fused` }).contamination_graph).toBeNull()
  })
})

describe('what of a file is a problem', () => {
  it('is what stands before the tests, in a file that holds both', () => {
    const file = `def f(x):\n    return x  # ####\n\n${'#'.repeat(80)}\n\ndef test_f():\n    f(1)\n`
    expect([...beforeTests('f', file).values()]).toEqual(['def f(x):\n    return x  # ####\n\n'])
    expect([...beforeTests('f', 'def f(x): ...').values()]).toEqual(['def f(x): ...'])
  })

  it('is the program of a definition', () => {
    expect(referenceOfDefinition('gemm', '{"name": "gemm", "reference": "def run(): ..."}').get('gemm')).toBe(
      'def run(): ...',
    )
  })
})

describe('the index that comes with curate', () => {
  const index = readIndex()

  it.each(BENCHMARKS)('has the problems of $id', ({ id }) => {
    const own = index.filter((each) => each.id.startsWith(`${id}/`))
    expect(own.length).toBeGreaterThan(40)
    expect(new Set(own.map((each) => each.id)).size).toBe(own.length)
  })

  it('holds hashes and names, and no text of the problems', () => {
    const line = renderIndex(index.slice(0, 1))
    expect(Object.keys(JSON.parse(line))).toEqual(['id', 'hash', 'ngram', 'structure', 'graph'])
    expect(line).toMatch(
      /^\{"id":"[\w/.-]+","hash":"[0-9a-f]{16}","ngram":"[\w+/=]*","structure":"[\w+/=]*","graph":(?:null|"[\w@./]+")\}\n$/,
    )
  })
})

describe('the filter decontamination', () => {
  it.each([
    [{ contamination_ngram: 0.6 }, {}, 'near_a_benchmark_by_ngram'],
    [{ contamination_ngram: 0.5, contamination_structure: 0.95 }, {}, 'near_a_benchmark_by_structure'],
    [{ contamination_name: 1, contamination_graph: 1 }, {}, null],
    [{ contamination_name: 1 }, { max_name: 0 }, 'near_a_benchmark_by_name'],
    [{ contamination_graph: 1 }, { max_graph: 0 }, 'near_a_benchmark_by_graph'],
    [{ contamination_ngram: 1 }, { max_ngram: null }, null],
    [{ contamination_generator: 'kernelbench' }, {}, null],
    [{ contamination_generator: 'kernelbench' }, { trained_generator: 'refuse' }, 'generator_leakage'],
    [{}, { trained_generator: 'refuse' }, null],
  ])('of %o under %o gives %s', async (given, options, reason) => {
    expect((await askRecord(decontamination, stated('a', given), options)).reason).toBe(reason)
  })

  it('knows models that were trained on a benchmark, whoever serves them', () => {
    const names = ['cognition-ai/Kevin-32B', 'local/KEVIN-32b-awq', 'lkongam/KernelCoder', 'a-model', null]
    expect(names.map(benchmarkOfGenerator)).toEqual(['kernelbench', 'kernelbench', 'kernelbench', null, null])
  })

  it('names the problem only where it was found by the measure that refuses', async () => {
    const near = { contamination_ngram: 0.6, contamination_nearest: 'bench/7_fused' }
    const refused = async (contamination_measure: string) =>
      (await askRecord(decontamination, stated('a', { ...near, contamination_measure }), {})).detail
    expect([await refused('ngram'), await refused('name')]).toEqual(['bench/7_fused', null])
  })
})
