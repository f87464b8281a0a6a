// Whoever reads archives also walks trees and names headers: to users of this target it is one subject. `FileTrees` is only apart because the
// machine's guest, which is linked statically, can have no C library but the system's.
@_exported public import FileTrees
