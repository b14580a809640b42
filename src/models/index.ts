export { type Catalogue, loadCatalogue } from './catalogue.ts'
export { namedModel } from './named-model.ts'
export { admitVectors } from './reference.ts'
export { verifyModel } from './verify.ts'
