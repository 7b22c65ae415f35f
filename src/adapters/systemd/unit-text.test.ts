/** Control groups and answers of systemctl as real hosts have them. */
import { describe, expect, it } from 'vitest'
import { decodeUnitTexts, namesFolder, placeOfCgroup } from './unit-text.ts'

const id = 'a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90'

describe('the control group of a process', () => {
  it.each([
    ['0::/system.slice/freqtrade.service\n', { kind: 'unit', unit: 'freqtrade' }],
    ['0::/system.slice/bot.service/worker\n', { kind: 'unit', unit: 'bot' }],
    ['0::/system.slice/system-bot.slice/bot@1.service\n', { kind: 'unit', unit: 'bot@1' }],
    ['12:cpu:/x.service\n1:name=systemd:/system.slice/bot.service\n', { kind: 'unit', unit: 'bot' }],
    ['9:name=systemd:/\n1:cpu:/\n0::/system.slice/freqtrade.service\n', { kind: 'unit', unit: 'freqtrade' }],
    ['1:name=systemd:/system.slice/bot.service\n0::/\n', { kind: 'unit', unit: 'bot' }],
    ['0::/user.slice/user-1000.slice/user@1000.service/app.slice/bot.service\n', { kind: 'unit of a user' }],
    [`0::/system.slice/docker-${id}.scope\n`, { kind: 'container' }],
    [`0::/docker/${id}\n`, { kind: 'container' }],
    [`0::/system.slice/docker.service/docker/${id}\n`, { kind: 'container' }],
    ['0::/user.slice/user-0.slice/session-3.scope\n', null],
    ['0::/user.slice/user-1000.slice/user@1000.service/session.slice/x.scope\n', null],
    ['0::/\n', null],
    ['', null],
  ] as const)('%j -> %j', (text, place) => {
    expect(placeOfCgroup(text)).toEqual(place)
  })
})

const shown = `WorkingDirectory=/srv/freqtrade
ExecStart={ path=/usr/bin/python3 ; argv[]=/usr/bin/python3 -m freqtrade trade --db-url=sqlite:////data/ft/trades.sqlite ; ignore_errors=no ; pid=7 }
Id=freqtrade.service
LoadState=loaded

Id=gone.service
LoadState=not-found

WorkingDirectory=!/srv/bot
ExecStart={ path=/srv/g/node ; argv[]=/srv/g/node /srv/g/bin/genesis-dr.js replicate --config /srv/freqtrade/genesis-dr.yaml ; pid=8 }
Id=genesis-dr-freqtrade.service
LoadState=loaded

ExecStart={ path=/srv/genesis-dr/bots/run ; argv[]=/srv/genesis-dr/bots/run ; pid=0 }
Id=other.service
LoadState=loaded
`

describe('the answer of systemctl show', () => {
  const units = decodeUnitTexts(shown)
  it('several units, one of them unknown, one of them ours -> the known ones, ours marked', () => {
    expect(units.map(({ name, isOurs }) => [name, isOurs])).toEqual([
      ['freqtrade', false],
      ['genesis-dr-freqtrade', true],
      ['other', false],
    ])
    expect(units[1]?.workingDirectory).toBe('/srv/bot')
  })

  it.each([
    ['/srv/freqtrade', ['freqtrade', 'genesis-dr-freqtrade']],
    ['/data/ft', ['freqtrade']],
    ['/data/f', []],
    ['/srv/bot', ['genesis-dr-freqtrade']],
    ['/srv/genesis-dr/bots', ['other']],
    ['/', []],
  ])('the folder %s -> named by %j', (folder, names) => {
    expect(units.filter((unit) => namesFolder(unit, folder)).map(({ name }) => name)).toEqual(names)
  })

  it.each(['', '\n\n', 'Failed to connect'])('%j -> no units', (text) => {
    expect(decodeUnitTexts(text)).toEqual([])
  })
})
