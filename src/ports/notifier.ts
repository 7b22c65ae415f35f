/** Tells people. Never on the critical path: a failing channel is recorded, not waited for. */
export interface Notifier {
  /** For people, without the secret parts: "webhook hooks.example.com". */
  readonly description: string
  /** Resolves, never rejects, within 5 s. */
  notify(message: Notification): Promise<NotificationOutcome>
}

export interface Notification {
  readonly title: string
  readonly body: string
  readonly severity: 'critical' | 'error' | 'warning' | 'info'
  readonly mode: 'live' | 'dry-run' | 'drill'
  /** The same for all messages of one incident. */
  readonly runId: string | null
}

export type NotificationOutcome = { readonly outcome: 'accepted' | 'failed'; readonly because: string }
