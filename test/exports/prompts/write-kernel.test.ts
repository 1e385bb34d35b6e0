import { describe, expect, it } from 'vitest'
import { writeKernel } from '../../../exports/prompts/write-kernel.ts'
import { aCandidate, aTask } from '../../records.ts'

const task = aTask()

/** The last code block of a text, as evaluation harnesses cut it out. */
function lastBlock(text: string): string | undefined {
  return [...text.matchAll(/^(`{3,})[a-z]*\n([\s\S]*?)\n\1$/gm)].at(-1)?.[2]
}

describe('the prompt write-kernel', () => {
  it('asks with the whole reference for the language and form of the answer', () => {
    const question = writeKernel.renderQuestion(task, aCandidate(task, { language: 'cuda' }))
    expect(question).toContain('Write a fast CUDA implementation')
    expect(question).toContain(`\`\`\`python\n${task.reference.trim()}\n\`\`\``)
    expect(question).toContain('`ModelNew`')
    expect(question).toContain('`kernel.py::ModelNew`')
  })

  it('names no language where nobody said one', () => {
    const question = writeKernel.renderQuestion(task, aCandidate(task, { language: 'unknown' }))
    expect(question).toMatch(/^Write a fast kernel implementation of/)
  })

  it('says of a library how its launcher is called, since nothing in the reference does', () => {
    const candidate = aCandidate(task, { language: 'cuda', form: 'native', entry_point: 'k.cu::run' })
    const question = writeKernel.renderQuestion(task, candidate)
    expect(question).toContain('int run(void **in, void **out, const int64_t *dims, void *workspace, void *stream)')
    expect(question).not.toContain('ModelNew')
  })

  it('answers with the code as the last block', () => {
    const candidate = aCandidate(task)
    expect(lastBlock(writeKernel.renderAnswer(candidate))).toBe(candidate.sources[0]?.content.trimEnd())
  })

  it('answers with every file under its name, the one with the entry point last', () => {
    const sources = [
      { path: 'kernel.py', content: 'entry\n' },
      { path: 'scale.cu', content: 'device\n' },
    ]
    expect(writeKernel.renderAnswer(aCandidate(task, { sources }))).toBe(
      '`scale.cu`:\n\n```cuda\ndevice\n```\n\n`kernel.py`:\n\n```python\nentry\n```',
    )
  })

  it('keeps a block whole whose code holds a fence', () => {
    const content = 'HELP = """\n```\nnot the end\n```\n"""'
    const candidate = aCandidate(task, { sources: [{ path: 'kernel.py', content }] })
    expect(lastBlock(writeKernel.renderAnswer(candidate))).toBe(content)
  })
})
