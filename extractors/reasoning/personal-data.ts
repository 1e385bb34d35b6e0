import { MAIL_ADDRESS, withoutSecrets } from '../../pipelines/core/secrets.ts'

/** Text without credentials and without what names people or their machines: addresses, numbers, home folders, hosts. */
export function withoutPersonalData(text: string): string {
  return withoutAddresses(withoutSecrets(text).replaceAll(SHELL_PROMPT, '[user]@[host]'))
    .replaceAll(/(\/(?:home|Users)\/)(?!\[user\])[A-Za-z0-9._-]+/g, '$1[user]')
    .replaceAll(/(\b[A-Z]:[\\/]{1,2}Users[\\/]{1,2})(?!\[user\])[^\\/\s"']+/g, '$1[user]')
    .replaceAll(/(?<![\w/~.])~(?!\/)[a-z][\w-]{1,31}(?=\/)/g, '~[user]')
    .replaceAll(HARDWARE_ADDRESS, '[host]')
    .replaceAll(IPV6, '[host]')
    .replaceAll(IPV4, '[host]')
    .replaceAll(TELEPHONE, '[phone]')
}

/** Text without addresses of mail, spelled as usual or so that programs shall not find them. */
function withoutAddresses(text: string): string {
  return text
    .replaceAll(HIDDEN_ADDRESS, '[email]')
    .replaceAll(MAIL_ADDRESS, '[email]')
    .replaceAll('<[email]>', '[email]')
}

// `name (at) example (dot) org`, `name%40example.org`.
const HIDDEN_ADDRESS =
  /(?<![\w.+-])[\w.+-]{1,64}(?:(?:\s{0,2}[([{<]\s?at\s?[)\]}>]\s{0,2}|%40)[\w-]{1,63}(?:(?:\.|\s{0,2}[([{<]\s?dot\s?[)\]}>]\s{0,2})[\w-]{1,63}){1,4}|@[\w-]{1,63}(?:\s{0,2}[([{<]\s?dot\s?[)\]}>]\s{0,2}[\w-]{1,63}){1,4})/gi

// `name@machine:~/folder$`
const SHELL_PROMPT = /(?<![\w.+-])[a-z_][\w.-]{0,31}@[A-Za-z][\w.-]{0,63}(?=:[~/])/g

const HARDWARE_ADDRESS = /(?<![\w:])(?:[0-9a-f]{2}:){5}[0-9a-f]{2}(?![\w:])/gi

// Written out, or shortened by `::` and of a range that machines have: `a::b` is C++, and `2048:4096:64` a slice.
const IPV6 =
  /(?<![\w:.])(?:(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|(?:fe80|f[cd][0-9a-f]{2}|[23][0-9a-f]{3})(?::[0-9a-f]{1,4}){0,6}::(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?)(?![\w:.])/gi

// With the code of a country: other rows of digits are figures.
const TELEPHONE = /(?<![\w.+])\+[1-9]\d{0,2}[ -]?(?:\(0\)[ -]?)?\d{2,4}[ -]\d{3,4}[ -]?\d{2,5}(?![\w.])/g

// Not the addresses that mean this machine or any, and not a version: those have other things around them.
const IPV4 =
  /(?<![\w.])(?!127\.0\.0\.1|0\.0\.0\.0)(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w.]|-)/g
