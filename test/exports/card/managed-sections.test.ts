import { describe, expect, it } from 'vitest'
import { managed, mergeCards } from '../../../exports/card/managed-sections.ts'

function card(rows: number, { yaml = 'license: mit\ntags:\n  - gpu\n', extra = '' } = {}): string {
  const parts = [
    '# Title',
    managed('summary', `${rows} rows`),
    managed('limits', 'some limits'),
    ...(extra === '' ? [] : [extra]),
  ]
  return `---\n${yaml}---\n\n${parts.join('\n\n')}\n`
}

describe('mergeCards', () => {
  it('takes the generated card where none is published, or one that was written by other means', () => {
    expect(mergeCards(null, card(1))).toBe(card(1))
    expect(mergeCards('# Mine\n', card(1))).toBe(card(1))
  })

  it('keeps what people wrote and renews the rest', () => {
    const edited = card(1).replace('# Title', '# A better title\n\nRead this first.').replace('some limits', 'invented')
    const merged = mergeCards(edited, card(2))
    expect(merged).toContain('# A better title\n\nRead this first.')
    expect(merged).toContain('2 rows')
    expect(merged).toContain('some limits')
    expect(merged).not.toMatch(/1 rows|invented|# Title/)
  })

  it('changes nothing the second time, so that an unchanged dataset is not committed again', () => {
    const edited = card(1).replace('# Title', '# Other\r\n').replace('gpu', 'gpu\n  - mine')
    const merged = mergeCards(edited, card(2))
    expect(mergeCards(merged, card(2))).toBe(merged)
  })

  it('leaves blank lines alone, of a program in a part and of people', () => {
    const written = card(1, { extra: `My notes.\n\n\n\n${managed('recheck', 'import this\n\n\nprint()')}` })
    expect(mergeCards(written, written)).toBe(written)
  })

  it('lets a removed part stay away, removes parts of configs that are gone, and adds those of new ones', () => {
    const published = card(1, { extra: managed('columns-old', 'old columns') }).replace(
      managed('limits', 'some limits'),
      '',
    )
    const merged = mergeCards(published, card(2, { extra: managed('columns-rl', 'new columns') }))
    expect(merged).not.toMatch(/limits|old columns/)
    expect(merged.trimEnd()).toMatch(/new columns\n<!-- curate:end columns-rl -->$/)
  })

  it('joins lists of the front matter, keeps keys of people, and lets the generated ones win', () => {
    const published = card(1, { yaml: 'license: gpl\ntags:\n  - mine\nviewer: false\nsize_categories:\n  - n<1K\n' })
    const merged = mergeCards(
      published,
      card(2, { yaml: 'license: mit\ntags:\n  - gpu\nsize_categories:\n  - 1K<n<10K\n' }),
    )
    expect(merged).toMatch(
      /license: mit\ntags:\n {2}- gpu\n {2}- mine\nsize_categories:\n {2}- 1K<n<10K\nviewer: false\n/,
    )
  })

  it('survives a front matter that somebody broke', () => {
    expect(mergeCards(card(1).replace('license: mit', 'license: [mit'), card(2))).toContain('license: mit')
  })
})
