/**
 * How a capture goes on when it meets a database: from facts to one decision. Pure.
 * Order that matters: what proves most is asked first. A frame of the log that is the last published one proves an unbroken history;
 * an equal rolling checksum proves equal content; the inode only says that the file is the one we knew.
 */
import { formatTxid } from '../ltx/txid.ts'
import type { Ancestor } from './ancestor.ts'

export interface ResumeFacts {
  /** The newest restore point of the timeline that would be continued; null when the replica has none. */
  readonly last: { readonly txid: number; readonly rolling: bigint | null } | null
  /** The last published frame is still in the log, with its salts and its checksum. */
  readonly lastFrameInLog: boolean
  /** Rolling checksum of the database as it is; null where it was not needed. */
  readonly rolling: bigint | null
  /** The restore point, older than the last, at which database and replica parted, and how that is known; null: none was found. */
  readonly ancestor: { readonly txid: number; readonly proof: Ancestor['proof'] } | null
  /** Path of the database that the timeline was begun for, where it is another than this one's; null: the same, or not known. */
  readonly otherPath: string | null
  /** The state folder knows this file by its inode as the database of this timeline. */
  readonly bound: boolean
  /** 0..1: pages that are equal in database and replica; null when it was not looked at. */
  readonly equalShare: number | null
  /** Why nothing that is added to the files of the replica could be restored, so that they need a snapshot; null: they do not, as far as known. */
  readonly broken: string | null
  readonly takeOver: boolean
}

export type ResumeDecision = { readonly because: string } & (
  | { readonly do: 'begin' | 'continue' | 'adopt' | 'diff' | 'snapshot' | 'take-over' | 'refuse' }
  | { readonly do: 'fork'; readonly txid: number }
)

/** Chosen: half of the pages. A bot's database a day later shares most; two databases of one schema share a few empty pages. */
export const equalShareBound = 0.5

/**
 * A copy of the database at another path equals the replica and is still not the one that trades: two captures would write one history.
 * Only a person can say that it takes over, on a timeline of its own.
 */
function decideElsewhere(facts: ResumeFacts, lastTxid: number, path: string): ResumeDecision {
  const txid = facts.last?.rolling === facts.rolling ? lastTxid : (facts.ancestor?.txid ?? null)
  const equals = facts.lastFrameInLog || txid !== null
  const share = facts.equalShare
  if (!equals && (share === null || share < equalShareBound)) return { do: 'refuse', because: sharesTooLittle(share, lastTxid) }
  const which =
    txid === null ? 'what' : `${facts.ancestor?.proof === 'pages' ? 'what came after ' : ''}restore point ${formatTxid(txid)} of what`
  const said = `it equals ${which} the replica has of ${path}`
  if (!facts.takeOver) return { do: 'refuse', because: `${said}, which is another path` }
  return txid === null ? { do: 'take-over', because: said } : { do: 'fork', txid, because: said }
}

function sharesTooLittle(share: number | null, lastTxid: number): string {
  const part = share === null ? 'nothing known' : `${Math.floor(share * 100)} % of its pages`
  return `the database shares ${part} with restore point ${formatTxid(lastTxid)}`
}

const parted = {
  content: 'equals',
  log: 'is by its log what came right after',
  pages: 'is by its pages what came right after',
  left: 'was left without the end of its log, and is what came right after',
  kept: 'may have gone back in time with what is kept beside it, which is of',
} as const

/** Where the files are broken, the proof of a history is of no use to whoever restores: all of the database goes into a new one. */
function goOn(facts: ResumeFacts, what: 'continue' | 'adopt' | 'diff' | 'snapshot', because: string): ResumeDecision {
  return facts.broken === null ? { do: what, because } : { do: 'snapshot', because: `${facts.broken}; ${because}` }
}

export function decideResume(facts: ResumeFacts): ResumeDecision {
  const { last, ancestor } = facts
  if (last === null) {
    const because = facts.broken ?? 'the replica holds nothing yet'
    // What it is a copy of cannot be read, so that it is believed whose copy it says it is.
    if (facts.otherPath !== null && !facts.bound) return { do: 'refuse', because: `${because}, and it was written for ${facts.otherPath}` }
    return { do: 'begin', because }
  }
  const point = `restore point ${formatTxid(last.txid)}`
  if (facts.otherPath !== null && !facts.bound) return decideElsewhere(facts, last.txid, facts.otherPath)
  if (facts.lastFrameInLog) return goOn(facts, 'continue', `the last frame of ${point} is still in the log`)
  if (last.rolling !== null && last.rolling === facts.rolling) return goOn(facts, 'adopt', `the database equals ${point}`)
  if (ancestor !== null) {
    const because = `the database ${parted[ancestor.proof]} the older restore point ${formatTxid(ancestor.txid)}, and the replica goes on to ${formatTxid(last.txid)}`
    return { do: 'fork', txid: ancestor.txid, because }
  }
  const share = facts.equalShare
  // A diff also where most pages differ: it costs what a snapshot costs, and the pages of the former one once more in a restore, but it
  // takes no page that is known to be damaged.
  if (facts.bound) return goOn(facts, share === null ? 'snapshot' : 'diff', `the log went on unseen after ${point}, in the same file`)
  if (share === null || share < equalShareBound) return { do: 'refuse', because: sharesTooLittle(share, last.txid) }
  const said = `${Math.floor(share * 100)} % of the pages equal ${point}`
  return facts.takeOver
    ? { do: 'take-over', because: said }
    : { do: 'refuse', because: `${said}, but nothing proves that it is the same database` }
}
