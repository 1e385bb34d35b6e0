import { foldExpression } from './license-expression.ts'

/** What a licence asks of those who pass its text on. */
export const LICENSE_CLASSES = ['permissive', 'weak_copyleft', 'strong_copyleft', 'custom', 'none'] as const
export type LicenseClass = (typeof LICENSE_CLASSES)[number]

/**
 * The class of what holds for a file. Of licences that hold together the strictest counts, of a choice the most permissive. What
 * nobody licenses is `none`; terms that SPDX has no name for, that restrict who may use the text or for what, or that no list here
 * knows, are `custom`.
 */
export function classOf({ license, license_evidence }: LicensedText): LicenseClass {
  if (license !== null) return foldExpression(license, classOfId, strictest, mildest) ?? 'custom'
  return license_evidence === null ? 'none' : 'custom'
}

interface LicensedText {
  readonly license: string | null
  readonly license_evidence: string | null
}

// From the mildest; `custom` is the strictest, since nobody has read it.
const ORDER: readonly LicenseClass[] = ['permissive', 'weak_copyleft', 'strong_copyleft', 'custom']

function strictest(a: LicenseClass, b: LicenseClass): LicenseClass {
  return ORDER.indexOf(a) >= ORDER.indexOf(b) ? a : b
}

function mildest(a: LicenseClass, b: LicenseClass): LicenseClass {
  return ORDER.indexOf(a) <= ORDER.indexOf(b) ? a : b
}

function classOfId(id: string, exception: string | null): LicenseClass {
  if (PERMISSIVE.test(id)) return 'permissive'
  if (WEAK.test(id)) return 'weak_copyleft'
  if (!STRONG.test(id)) return 'custom'
  // The exceptions that let a program link the text without taking on its licence: https://spdx.org/licenses/exceptions-index.html
  return exception !== null && /linking|classpath|gcc|libtool|bison|autoconf|bootloader/i.test(exception)
    ? 'weak_copyleft'
    : 'strong_copyleft'
}

// The families of the Blue Oak Council's list (https://blueoakcouncil.org/list), and public-domain dedications. Variants that
// restrict a field of use (`BSD-3-Clause-No-Nuclear-License`) are none of them.
const PERMISSIVE =
  /^(?:0BSD|AFL-[\d.]+|Apache-[\d.]+|Artistic-2\.0|BlueOak-1\.0\.0|BSD-[1234]-Clause(?!-No)[\w-]*|BSL-1\.0|bzip2-[\d.]+|CC-BY-[\d.]+|CC-PDDC|CC0-1\.0|curl|ECL-[\d.]+|EFL-2\.0|FTL|HPND[\w-]*|ICU|IJG|Intel|ISC|libpng-2\.0|Libpng|libtiff|MIT(?:-\w+)*|MS-PL|MulanPSL-[\d.]+|NCSA|NTP|OpenSSL|PHP-[\d.]+|PostgreSQL|PSF-2\.0|Python-2\.0(?:\.1)?|Unicode-[\w.-]+|Unlicense|UPL-1\.0|W3C[\w-]*|WTFPL|X11|Zlib|zlib-acknowledgement|ZPL-[\d.]+)$/

// Copyleft that ends with the file or the library.
const WEAK = /^(?:APSL-|CDDL-|CECILL-C$|CPL-|EPL-|IPL-|LGPL-|LGPLLR$|MPL-|MS-RL$|NPL-|SPL-|wxWindows$)/

// Copyleft that reaches the whole work, or everyone who uses it over a network.
const STRONG = /^(?:AGPL-|CC-BY-SA-|CECILL-[\d.]+$|EUPL-|GFDL-|GPL-|OSL-|QPL-|RPL-|Sleepycat$|SSPL-)/
