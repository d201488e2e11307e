import { describe, expect, it } from 'vitest'
import { isSecretName, REDACTED, redactEnv } from '../../../src/machines/process/redact.ts'

const SECRET = `PASSWORD password DB_PASSWORD PGPASSWORD PASSWORD1 DB_PASSWORD_FILE MYSQL_PWD REDIS_PASS PASSPHRASE GPG_PASSPHRASE SSHPASSWD
  SECRET CLIENT_SECRET SECRET_KEY_BASE AWS_SECRET_ACCESS_KEY AWS_ACCESS_KEY_ID AWS_SESSION_TOKEN GITHUB_TOKEN HF_TOKEN TOKEN npm_config__authToken
  API_KEY APIKEY apiKey OPENAI_API_KEY KEY SIGNING_KEY PRIVATE_KEY SSH_PRIVATE GITHUB_PAT GOOGLE_APPLICATION_CREDENTIALS AUTH BASIC_AUTH
  AUTHORIZATION PROXY_AUTHORIZATION OAUTH_CLIENT COOKIE SESSION_KEY JWT SENTRY_DSN
  X-Api-Key x-api-key Authorization Proxy-Authorization Set-Cookie X-Auth-Token signingKey privateKey accessToken clientSecret`
const PLAIN = `PATH HOME USER LANG TERM SHELL PWD OLDPWD PORT HOST NODE_ENV NODE_OPTIONS DEBUG LOG_LEVEL TZ EDITOR KEYBOARD MONKEY KEYMAP
  PASSENGER_APP TOKENIZERS_PARALLELISM GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL AUTHOR SSH_AUTH_SOCK PATTERN PATCH PROCMAN_ID HTTP_PROXY
  Accept Content-Type User-Agent Host X-Request-Id status uptimeMs keyboardLayout`

const namesOf = (text: string) => text.split(/\s+/)

describe('a name of a variable', () => {
  it.each(namesOf(SECRET))('%s looks secret', (name) => {
    expect(isSecretName(name)).toBe(true)
  })

  it.each(namesOf(PLAIN))('%s does not', (name) => {
    expect(isSecretName(name)).toBe(false)
  })
})

describe('a redacted environment', () => {
  it('hides the values of secrets, keeps the names and everything else', () => {
    const env = { API_KEY: 'sk-123', PORT: '80', EMPTY: '' }
    expect(redactEnv(env)).toEqual({ API_KEY: REDACTED, PORT: '80', EMPTY: '' })
    expect(env.API_KEY).toBe('sk-123')
  })

  it.each([
    ['postgres://app:s3cret@db:5432/shop', 'postgres://app:***@db:5432/shop'],
    ['redis://:s3cret@cache', 'redis://:***@cache'],
    ['a=http://u:p@x b=http://v:q@y', 'a=http://u:***@x b=http://v:***@y'],
    ['http://user@host/', 'http://user@host/'],
    ['http://host:8080/a@b', 'http://host:8080/a@b'],
    ['mail me@host', 'mail me@host'],
  ])('shows the value %s as %s', (value, shown) => {
    expect(redactEnv({ URL: value })).toEqual({ URL: shown })
  })

  it('copes with names that objects have of their own', () => {
    const env = JSON.parse('{"__proto__":"a","constructor":"b"}')
    expect(Object.entries(redactEnv(env))).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ])
  })
})
