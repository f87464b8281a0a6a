/// Whom a thread believes to be (credentials(7)).
struct Credentials {
  /// Real, effective, saved, and for files.
  struct Identity {
    var real: UInt32 = 0
    var effective: UInt32 = 0
    var saved: UInt32 = 0
    var files: UInt32 = 0

    func contains(_ number: UInt32) -> Bool { [real, effective, saved].contains(number) }
  }

  /// Bits of the capability sets (capabilities(7)).
  enum Capability: UInt64 {
    case chown = 0
    case fowner = 3
    case keepSetID = 4
    case setGID = 6
    case setUID = 7
    case sysAdmin = 21
    case mknod = 27
    case setFileCapabilities = 31
  }

  /// `CAP_LAST_CAP` is 40.
  static let all: UInt64 = 1 << 41 - 1

  var user = Identity()
  var group = Identity()
  var groups: [UInt32] = []
  var effective = Self.all
  var permitted = Self.all
  var inheritable: UInt64 = 0
  /// `PR_SET_KEEPCAPS`: whether the permitted ones stay when root becomes somebody else.
  var keepsPermitted = false

  func has(_ capability: Capability) -> Bool { effective & 1 << capability.rawValue != 0 }

  /// Changes the user, and the capabilities as the kernel does then.
  mutating func change(_ body: (inout Identity) -> Void) {
    let before = user
    body(&user)
    if before.contains(0), !user.contains(0) {
      effective = 0
      if !keepsPermitted { permitted = 0 }
    }
    if before.effective == 0, user.effective != 0 { effective = 0 }
    if before.effective != 0, user.effective == 0 { effective = permitted }
  }

  /// What a new program has of them; one with set-id bits, those of its file.
  mutating func execute(_ record: FileRecord?) {
    if let record, record.type == FileMode.regular {
      if record.mode & FileMode.setUser != 0 { change { $0.effective = record.user } }
      let both = FileMode.setGroup | FileMode.groupMayExecute
      if record.mode & both == both { group.effective = record.group }
    }
    (user.saved, user.files) = (user.effective, user.effective)
    (group.saved, group.files) = (group.effective, group.effective)
    keepsPermitted = false
    permitted = user.effective == 0 || user.real == 0 ? Self.all : 0
    effective = user.effective == 0 ? Self.all : 0
  }
}
