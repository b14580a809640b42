/** Reranking and classification with a wrong field. */
import { CHAT_MODEL, classify, rerank } from './row.ts'

const many = (count: number) => Array.from({ length: count }, () => 'a')

export const SCORE_REQUESTS = [
  rerank('rerank: an unknown model', { model: 'tiny-rerankr' }, /did you mean tiny-reranker/, {
    param: 'model',
    status: 404,
  }),
  rerank('rerank: a chat model', { model: CHAT_MODEL }, /does not serve rerank; these do: tiny-reranker/, {
    param: 'model',
  }),
  rerank('rerank: a project', { model: 'tiny-reranker@demo' }, /for chats only/, { param: 'model' }),
  rerank('rerank: no query', { query: undefined }, /query: is required/, { param: 'query' }),
  rerank('rerank: an empty query', { query: ' \n' }, /query: must not be empty/, { param: 'query' }),
  rerank('rerank: a query that is an object', { query: { text: 'a' } }, /query: expected string/, {
    param: 'query',
  }),
  rerank('rerank: no documents', { documents: undefined }, /documents: is required/, { param: 'documents' }),
  rerank('rerank: an empty array', { documents: [] }, /at least one text/, { param: 'documents' }),
  rerank('rerank: documents as text', { documents: 'a' }, /documents: expected an array/, {
    param: 'documents',
  }),
  rerank('rerank: a document that is a number', { documents: ['a', 5] }, /documents\.1: expected a string/, {
    param: 'documents.1',
  }),
  rerank('rerank: a document without text', { documents: [{ title: 'a' }] }, /string `text`/, {
    param: 'documents.0',
  }),
  rerank('rerank: a document that is null', { documents: [null] }, /string `text`/, { param: 'documents.0' }),
  rerank('rerank: too many documents', { documents: many(101) }, /101 inputs; at most 100/, {
    param: 'documents',
    status: 413,
  }),
  rerank('rerank: no result wanted', { top_n: 0 }, /top_n/, { param: 'top_n' }),
  rerank('rerank: half a token of a document', { max_tokens_per_doc: 0.5 }, /max_tokens_per_doc/, {
    param: 'max_tokens_per_doc',
  }),
  rerank('rerank: return_documents as text', { return_documents: 'yes' }, /return_documents: expected/, {
    param: 'return_documents',
  }),
  rerank('rerank: an unknown priority', {}, /allowed: interactive, bulk/, {
    param: 'x-tandem-priority',
    headers: { 'x-tandem-priority': 'urgent' },
  }),
  classify('classify: no input', { input: undefined }, /input: is required/, { param: 'input' }),
  classify('classify: an empty array', { input: [] }, /at least one text/, { param: 'input' }),
  classify('classify: a number', { input: 5 }, /input: expected an array, each a string/, { param: 'input' }),
  classify('classify: token ids', { input: [1, 2] }, /input\.0: expected a string/, { param: 'input.0' }),
  classify('classify: too many inputs', { input: many(101) }, /101 inputs/, { param: 'input', status: 413 }),
  classify('classify: no label wanted', { top_k: 0 }, /top_k/, { param: 'top_k' }),
  classify('classify: a reranker', { model: 'tiny-reranker' }, /these do: tiny-classifier/, {
    param: 'model',
  }),
]
