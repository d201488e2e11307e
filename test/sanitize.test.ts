import { expect, it } from 'vitest'
import { sanitizeContext } from '../src/sanitize.ts'

it('hides variables, headers, passwords in addresses and keys, wherever they are, and nothing else', () => {
  const context = {
    spec: {
      env: { API_TOKEN: 'a', HOME: '/' },
      health: {
        liveness: { check: { url: 'http://me:secret@localhost/', headers: { authorization: 'b', accept: '*' }, tls: { key: '-----BEGIN KEY-----' } } },
      },
      labels: { key: 'a label' },
    },
    tls: { key: '/etc/key.pem' },
  }
  expect(sanitizeContext(context)).toEqual({
    spec: {
      env: { API_TOKEN: '***', HOME: '/' },
      health: { liveness: { check: { url: 'http://me:***@localhost/', headers: { authorization: '***', accept: '*' }, tls: { key: '***' } } } },
      labels: { key: 'a label' },
    },
    tls: { key: '/etc/key.pem' },
  })
})
