export { type Catalogue, loadCatalogue } from './catalogue.ts'
export { ggufFileModel, isGgufPath } from './gguf-file.ts'
export { verifyModel } from './verify.ts'
