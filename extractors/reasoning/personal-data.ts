import { withoutSecrets } from '../../pipelines/core/secrets.ts'

/** Text without credentials and without what names people or their machines: addresses, home folders, numbers of hosts. */
export function withoutPersonalData(text: string): string {
  return withoutAddresses(withoutSecrets(text))
    .replaceAll(/(\/(?:home|Users)\/)(?!\[user\])[A-Za-z0-9._-]+/g, '$1[user]')
    .replaceAll(/(\b[A-Z]:\\Users\\)(?!\[user\])[^\\\s"']+/g, '$1[user]')
    .replaceAll(IPV4, '[host]')
}

export function withoutAddresses(text: string): string {
  return text.replaceAll(/<?(?<![\w.+-])[\w.+-]+@(?:[\w-]+\.)+[A-Za-z]{2,}>?/g, '[email]')
}

// Not the addresses that mean this machine or any, and not a version: those have other things around them.
const IPV4 =
  /(?<![\w.])(?!127\.0\.0\.1|0\.0\.0\.0)(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w.]|-)/g
