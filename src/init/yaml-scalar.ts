/** A text as a value of YAML. Pure. */

/** Plain where YAML reads it as this very text, otherwise as JSON writes it, which YAML reads too. */
export function yamlScalar(text: string): string {
  const plain = /^[A-Za-z./_][\w./-]*(:[\w./-]+)?$/.test(text) && !/^(true|false|null|yes|no|on|off|y|n|\.nan|\.inf)$/i.test(text)
  return plain ? text : yamlQuoted(text)
}

export function yamlQuoted(text: string): string {
  // JSON leaves these as they are, and YAML 1.2 would end the line there.
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
