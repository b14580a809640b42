export { type Catalogue, loadCatalogue } from './catalogue.ts'
export { verifyModel } from './verify.ts'
