/** apt and dpkg, with `-o APT::Status-Fd=1`: downloads first, then the packages. */
import type { Recogniser } from '../sighting.ts'

const LINE = /^(dlstatus|pmstatus):[^:]*(?::[a-z0-9-]+)?:([\d.]+):(.*)$/

export const apt: Recogniser = (line) => {
  const [, kind, percent, message = ''] = LINE.exec(line) ?? []
  return kind === undefined ? null : { percent: Number(percent), message: message.trim(), key: kind }
}
