/** What each client could do, as a table and as a document. */
export interface ClientResult {
  readonly client: string
  readonly version: string
  /** By route: what was wrong, or undefined where it works. */
  readonly routes: ReadonlyMap<string, string | undefined>
  /** Why it was not tried, or broke off. */
  readonly problem?: string
}

export function failuresOf(results: readonly ClientResult[]): string[] {
  return results.flatMap(({ client, routes, problem }) => [
    ...(problem === undefined ? [] : [`${client}: ${problem}`]),
    ...[...routes].flatMap(([route, wrong]) =>
      wrong === undefined ? [] : [`${client}, ${route}: ${wrong}`],
    ),
  ])
}

export function table(results: readonly ClientResult[]): string {
  const routes = [...new Set(results.flatMap((result) => [...result.routes.keys()]))]
  const cell = (result: ClientResult, route: string) => {
    if (!result.routes.has(route)) return ''
    return result.routes.get(route) === undefined ? 'yes' : 'NO'
  }
  const lines = [
    ['client', ...routes],
    ...results.map((result) => [
      `${result.client} ${result.version}`.trim(),
      ...routes.map((route) => cell(result, route)),
    ]),
  ]
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  return lines
    .map((line) =>
      line
        .map((text, column) => text.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

export function document(results: readonly ClientResult[]) {
  return {
    clients: results.map(({ client, version, routes, problem }) => ({
      client,
      version,
      routes: Object.fromEntries([...routes].map(([route, wrong]) => [route, wrong ?? 'works'])),
      ...(problem === undefined ? {} : { problem }),
    })),
  }
}
