/** Searches and projects. */
import { get, post, remove } from './row.ts'

const SEARCH = '/tandem/v1/search'
const PROJECTS = '/tandem/v1/projects'

export const TANDEM_REQUESTS = [
  post('search: no query', SEARCH, {}, /query: is required/, { param: 'query' }),
  post('search: an empty query', SEARCH, { query: ' ' }, /query: must not be empty/, { param: 'query' }),
  post('search: a query of 100,000 characters', SEARCH, { query: 'x'.repeat(100_000) }, /more than 32768/, {
    param: 'query',
  }),
  post('search: no result wanted', SEARCH, { query: 'x', limit: 0 }, /limit/, { param: 'limit' }),
  post('search: a million results', SEARCH, { query: 'x', limit: 1e6 }, /limit/, { param: 'limit' }),
  post('search: more results than there may be', SEARCH, { query: 'x', limit: 101 }, /limit/, {
    param: 'limit',
  }),
  post('search: an unknown project', SEARCH, { query: 'x', project: 'nope' }, /no project "nope"/, {
    status: 404,
  }),
  post('search: no project at all', SEARCH, { query: 'x' }, /no project is indexed/),
  post('project: no path', PROJECTS, {}, /path: is required/, { param: 'path' }),
  post('project: a relative path', PROJECTS, { path: '../..' }, /relative/, { param: 'path' }),
  post('project: a NUL in the path', PROJECTS, { path: '/tmp\0/x' }, /NUL/, { param: 'path' }),
  post(
    'project: a folder that is not there',
    PROJECTS,
    { path: '/no/such/folder/anywhere' },
    /no\/such\/folder/,
  ),
  post('project: a file', PROJECTS, { path: process.execPath }, /folder/),
  post('project: a name that is a path', PROJECTS, { path: process.cwd(), name: '../x' }, /project name/, {
    param: 'name',
  }),
  get('project: an unknown one', `${PROJECTS}/nope`, /no project "nope"/, { status: 404 }),
  remove('project: an unknown one to remove', `${PROJECTS}/nope`, /no project "nope"/, { status: 404 }),
  get('project: a traversal', `${PROJECTS}/..%2f..%2fetc%2fpasswd`, /no project/, { status: 404 }),
  get('explain: no path', `${PROJECTS}/x/explain`, /path: is required/, { param: 'path' }),
  get('explain: two paths', `${PROJECTS}/x/explain?path=a&path=b`, /path: expected string/, {
    param: 'path',
  }),
  get('explain: a NUL', `${PROJECTS}/x/explain?path=a%00b`, /NUL/, { param: 'path' }),
]
