/** The page that a browser gets: what this is, what runs where, where to go. Nothing is loaded from elsewhere. */

const escapeHtml = (text: string) =>
  text.replace(/[&<>"]/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[char]!)

const STYLE = `
  :root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
  body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  h1 { font-size: 1.4rem; margin-bottom: 0; }
  h2 { font-size: 1.05rem; margin-top: 2rem; }
  table { border-collapse: collapse; width: 100%; }
  th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
  th { font-weight: 600; }
  pre { background: #8881; padding: .75rem; overflow-x: auto; }
  code { font-family: ui-monospace, monospace; font-size: .9em; }
  .quiet { opacity: .7; }
  [hidden] { display: none; }
`

const SCRIPT = `
  const $ = (id) => document.getElementById(id)
  const base = location.origin + '/v1'
  $('base').textContent = base
  $('curl').textContent = $('curl').textContent.replaceAll('BASE', base)
  let key = sessionStorage.getItem('tandem-key') || ''
  $('key').onchange = () => { key = $('key').value; sessionStorage.setItem('tandem-key', key); refresh() }

  async function get(path) {
    const response = await fetch(path, key ? { headers: { authorization: 'Bearer ' + key } } : {})
    $('locked').hidden = response.status !== 401
    if (!response.ok) throw new Error(path + ': ' + response.status)
    return response.json()
  }
  function fill(id, rows, none) {
    const body = $(id)
    body.replaceChildren(...(rows.length ? rows : [[none]]).map((cells) => {
      const row = document.createElement('tr')
      for (const cell of cells) row.insertCell().textContent = String(cell)
      return row
    }))
  }
  function projectState(p) {
    if (p.error) return p.state + ': ' + p.error
    const g = p.progress
    if (p.state !== 'indexing' || !g) return p.state
    return p.state + ', ' + g.filesDone + ' of ' + g.filesTotal + ' files, ' + g.chunksPending + ' chunks waiting'
  }
  async function refresh() {
    try {
      const [status, plan] = await Promise.all([get('/tandem/v1/status'), get('/tandem/v1/plan')])
      const roles = new Map(Object.values(plan.tasks).flat().map((p) =>
        [p.task + p.model + p.engine + p.device, p.role + ': ' + p.reasons.join('; ')]))
      $('state').textContent = status.ready ? 'ready' : 'starting'
      $('simulated').hidden = !status.simulated
      fill('workers', status.workers.map((w) => [w.task, w.model, w.engine, w.device + (w.simulated ? ' (simulated)' : ''), w.state,
        w.running + ' running, ' + w.queued + ' waiting', roles.get(w.task + w.model + w.engine + w.device) || '']),
        'no worker')
      fill('projects', status.projects.map((p) => [p.name, p.path, p.files, p.chunks, projectState(p)]),
        'none yet; index a folder with: tandem index PATH')
    } catch (error) {
      $('state').textContent = 'no answer (' + error.message + ')'
    }
  }
  async function follow() { await refresh(); setTimeout(follow, 1500) }
  follow()
`

/** @param nonce of the content security policy */
export function page(nonce: string, version: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tandem</title>
<link rel="icon" href="data:,">
<style nonce="${nonce}">${STYLE}</style>
</head>
<body>
<h1>Tandem <span class="quiet">${escapeHtml(version)}</span></h1>
<p>One local AI server for a PC that has several processors. State: <strong id="state">...</strong></p>
<p id="simulated" hidden><strong>Simulated.</strong> The devices are those of a profile: they take the time that they would take, and no answer comes from a model.</p>
<p id="locked" hidden>This server asks for an API key: <input id="key" type="password" autocomplete="off" aria-label="API key"></p>

<h2>What runs where</h2>
<table>
<thead><tr><th>task</th><th>model</th><th>engine</th><th>device</th><th>state</th><th>load</th><th>why here</th></tr></thead>
<tbody id="workers"></tbody>
</table>

<h2>Projects</h2>
<table>
<thead><tr><th>name</th><th>folder</th><th>files</th><th>chunks</th><th>state</th></tr></thead>
<tbody id="projects"></tbody>
</table>

<h2>Where to go</h2>
<p>OpenAI clients: base address <code id="base"></code>, any API key unless one is configured.
A chat about a project: the model name <code>MODEL@PROJECT</code>.</p>
<pre><code id="curl">curl BASE/models
curl BASE/embeddings -H 'content-type: application/json' \\
  -d '{"model": "tandem-embed-small", "input": "cancel a running request"}'
curl BASE/chat/completions -H 'content-type: application/json' \\
  -d '{"model": "tandem-tiny-chat", "messages": [{"role": "user", "content": "Hello"}]}'</code></pre>
<p>As JSON: <a href="/tandem/v1/status">status</a>, <a href="/tandem/v1/plan">plan</a>,
<a href="/tandem/v1/devices">devices</a>, <a href="/v1/models">models</a>, <a href="/health">health</a>.
Documentation: <code>README.md</code> and the folder <code>docs</code> of the Tandem package; <code>tandem --help</code>.</p>
<script nonce="${nonce}">${SCRIPT}</script>
</body>
</html>
`
}
