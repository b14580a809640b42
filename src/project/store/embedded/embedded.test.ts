import { storeContract } from '../contract.suite.ts'
import { openEmbeddedStore } from '../index.ts'

storeContract('the embedded store', openEmbeddedStore)
