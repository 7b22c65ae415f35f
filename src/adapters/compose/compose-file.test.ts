/** Compose files as people write them, and which service of them holds a database. */
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { servicesHolding } from './compose-file.ts'

const database = '/srv/ft/user_data/tradesv3.sqlite'
const look = (text: string) => servicesHolding(text, database, (path) => resolve('/srv/ft', path))
const service = (volumes: string): string => `services:\n  bot:\n    image: x\n    volumes:\n${volumes}\n  other:\n    image: y\n`

describe('a volume of a service', () => {
  it.each([
    ['a relative folder', '      - "./user_data:/freqtrade/user_data"'],
    ['a relative folder, read-write', '      - ./user_data:/freqtrade/user_data:rw'],
    ['the folder of the file itself', '      - .:/work'],
    ['an absolute folder', '      - /srv/ft/:/freqtrade'],
    ['the file', '      - ./user_data/tradesv3.sqlite:/db.sqlite'],
    ['the long form', '      - { type: bind, source: ./user_data, target: /freqtrade/user_data }'],
  ])('%s -> it holds the database', (_, volumes) => {
    expect(look(service(volumes))).toMatchObject({ holding: [{ service: 'bot' }], unclear: [] })
  })

  it.each([
    ['another folder', '      - ./user_dat:/freqtrade/user_data'],
    ['one whose name begins alike', '      - ./user:/x'],
    ['a volume that Docker keeps', '      - user_data:/freqtrade/user_data'],
    ['a volume without a name', '      - /srv/ft/user_data'],
    ['a long form that is no folder of the host', '      - { type: volume, source: user_data, target: /srv/ft }'],
    ['no list', '      a: b'],
  ])('%s -> it does not', (_, volumes) => {
    expect(look(service(volumes))).toEqual({ holding: [], unclear: [] })
  })

  it('a variable or a home folder stands in it -> it cannot be told, and that is said', () => {
    const variables = ['\u0024{DATA:-./user_data}:/x', '$HOME/user_data:/x', '~/ft/user_data:/x']
    expect(look(service(variables.map((one) => `      - "${one}"`).join('\n')))).toEqual({
      holding: [],
      unclear: variables.map((volume) => ({ service: 'bot', volume })),
    })
  })
})

describe('a file', () => {
  it('with anchors and merged keys -> read as they say', () => {
    const text = 'x-base: &base\n  volumes: ["./user_data:/d"]\nservices:\n  a: { <<: *base, image: x }\n  b:\n    <<: *base\n'
    expect(look(text)?.holding.map((one) => one.service)).toEqual(['a', 'b'])
  })

  it.each(['', 'services: [a]', 'version: "3"', '- a', 'services:\n  a: {', 'services: null'])('%j -> no Compose file', (text) => {
    expect(look(text)).toBeNull()
  })

  it('services without anything in them -> none', () => {
    expect(look('services:\n  a:\n  b: x\n')).toEqual({ holding: [], unclear: [] })
  })
})
