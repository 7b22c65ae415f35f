/** What one TypeScript source does, as facts that a house rule can look at: its imports, its calls, its names, its shapes. Pure. */
import { dirname, join } from 'node:path/posix'
import ts from 'typescript'

export interface Source {
  /** From the root of the repository, with `/`. */
  readonly path: string
  readonly text: string
}

export interface Found {
  /** 1-based. */
  readonly line: number
  /** What was found, as it would be written: `Date.now`, `enum`, `node:fs`. */
  readonly what: string
}

export interface SourceFacts {
  readonly path: string
  readonly text: string
  readonly lines: readonly string[]
  /** Modules of ours, as paths from the root of the repository. */
  readonly imports: readonly Found[]
  /** Modules that are not ours: `node:fs`, `zod`. */
  readonly packages: readonly Found[]
  /** Dotted names that are read or called: `Date.now`, `setTimeout`, `it.only`; `new Date()` for a construction without arguments. */
  readonly uses: readonly Found[]
  /** Names that are declared here. */
  readonly names: readonly Found[]
  /** Shapes of code that have a name of their own, such as `enum`, `any`, `await`. */
  readonly shapes: readonly Found[]
}

export function factsOf({ path, text }: Source): SourceFacts {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true)
  const imports: Found[] = []
  const packages: Found[] = []
  const uses: Found[] = []
  const names: Found[] = []
  const shapes: Found[] = []
  const at = (node: ts.Node, what: string): Found => ({ line: file.getLineAndCharacterOfPosition(node.getStart()).line + 1, what })
  const visit = (node: ts.Node): void => {
    const from = moduleOf(node)
    if (from !== null) {
      if (from.startsWith('.')) imports.push(at(node, join(dirname(path), from)))
      else packages.push(at(node, from))
    }
    const use = useOf(node)
    if (use !== null) uses.push(at(node, use))
    const name = nameOf(node)
    if (name !== null) names.push(at(node, name))
    for (const shape of shapesOf(node)) shapes.push(at(node, shape))
    ts.forEachChild(node, visit)
  }
  visit(file)
  return { path, text, lines: text.replace(/\n$/, '').split('\n'), imports, packages, uses, names, shapes }
}

/** The module that an import, an export, `import(...)` or `import('...').Type` names. */
function moduleOf(node: ts.Node): string | null {
  if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier !== undefined)
    return stringOf(node.moduleSpecifier)
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) return stringOf(node.arguments[0])
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return stringOf(node.argument.literal)
  return null
}

function stringOf(node: ts.Node | undefined): string | null {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : null
}

function useOf(node: ts.Node): string | null {
  if (ts.isNewExpression(node) && (node.arguments?.length ?? 0) === 0) return `new ${node.expression.getText()}()`
  if (ts.isPropertyAccessExpression(node)) return dotted(node)
  if (ts.isElementAccessExpression(node)) {
    const key = stringOf(node.argumentExpression)
    const base = dotted(node.expression)
    return key === null || base === null ? null : `${base}.${key}`
  }
  // Only names that stand alone: the parts of `a.b` and the keys of objects are other things.
  if (ts.isIdentifier(node) && (ts.isCallExpression(node.parent) || ts.isVariableDeclaration(node.parent))) return node.text
  return null
}

function dotted(node: ts.Node): string | null {
  if (ts.isIdentifier(node)) return node.text
  if (ts.isCallExpression(node)) return dotted(node.expression)
  if (!ts.isPropertyAccessExpression(node)) return null
  const base = dotted(node.expression)
  return base === null ? null : `${base}.${node.name.text}`
}

function nameOf(node: ts.Node): string | null {
  const declares =
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isVariableDeclaration(node) ||
    ts.isParameter(node) ||
    ts.isMethodDeclaration(node)
  return declares && node.name !== undefined && ts.isIdentifier(node.name) ? node.name.text : null
}

function shapesOf(node: ts.Node): readonly string[] {
  if (ts.isEnumDeclaration(node)) return ['enum']
  if (ts.isModuleDeclaration(node)) return ['namespace']
  if (ts.isExportAssignment(node) || node.kind === ts.SyntaxKind.DefaultKeyword) return ['export default']
  if (ts.isExportSpecifier(node) && node.name.text === 'default') return ['export default']
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) return ['export from']
  if (node.kind === ts.SyntaxKind.AnyKeyword) return ['any']
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return ['async']
  if (ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier !== undefined)) return ['await']
  if (ts.isNonNullExpression(node)) return ['!']
  if (ts.isAsExpression(node)) return node.type.getText() === 'const' ? [] : ['as']
  if (ts.isDecorator(node)) return ['decorator']
  if (ts.isCatchClause(node) && node.block.statements.length === 0) return ['empty catch']
  if (ts.isHeritageClause(node)) return heritageOf(node)
  if (ts.isExpressionStatement(node) && ts.isSourceFile(node.parent)) return ['work at import']
  return []
}

function heritageOf(node: ts.HeritageClause): readonly string[] {
  const isOfClass = node.token === ts.SyntaxKind.ExtendsKeyword && ts.isClassLike(node.parent)
  return isOfClass && node.types[0]?.expression.getText() !== 'Error' ? ['extends'] : []
}
