export { type Catalogue, loadCatalogue } from './catalogue.ts'
export { nearestNames } from './nearest.ts'
export { verifyModel } from './verify.ts'
