import ArchiveIO
import Hashing
import ImageArchive
import ImageBuild
import OCIModel
import Registry
import SystemPackage

/// What the program tells its caller (design.md, section 3).
enum ExitStatus: Int32 {
  case failed = 1
  case usage = 2
  case mismatch = 3
  case notFound = 4
  case denied = 5

  /// The status for an error that ended a command.
  init(of error: any Error) {
    switch error {
    case let error as RegistryError: self.init(error.root)
    case is ContentMismatch, is HashMismatch: self = .mismatch
    case SelectionError.noMatch, LoginError.notLoggedIn: self = .notFound
    case LoginError.badRegistry, LoginError.noTerminal: self = .usage
    // Those in documents and configuration files are part of errors about these.
    case is ReferenceError, is DigestError, is Unpinned: self = .usage
    case let error as ImageArchiveError: self = Self(error.problem)
    case let error as RebaseError: self = Self(error)
    case let error as IndexError: self = Self(error)
    case let error as UsageError: self = error.status
    case let error as FileError where error.isMissingInput: self = .notFound
    default: self = .failed
    }
  }

  private init(_ problem: ImageArchiveError.Problem) {
    switch problem {
    case .noSuchImage, .empty: self = .notFound
    case .severalImages, .ambiguous: self = .usage
    default: self = .failed
    }
  }

  /// A base that the image is not built on has other digests than were expected.
  private init(_ error: RebaseError) {
    switch error {
    case .otherLayer, .fewerLayers: self = .mismatch
    case .noPlatform: self = .notFound
    case .otherPlatform, .layerCount: self = .failed
    }
  }

  private init(_ error: IndexError) {
    switch error {
    case .noPlatform, .noDigest: self = .notFound
    case .samePlatform, .sameManifest, .nothingLeft, .notAnIndex: self = .usage
    }
  }

  private init(_ error: RegistryError) {
    switch error {
    case .notFound: self = .notFound
    case .denied: self = .denied
    case .mismatch, .wrongUpload: self = .mismatch
    default: self = .failed
    }
  }
}

/// A request that makes no sense, found after the arguments were parsed.
struct UsageError: Error, CustomStringConvertible {
  var description: String
  var status = ExitStatus.usage

  init(_ description: String) { self.description = description }
}

extension FileError {
  /// Whether something that was to be read is not there; an output's missing directory is another matter.
  fileprivate var isMissingInput: Bool {
    errno == .noSuchFileOrDirectory && ["open", "read", "examine"].contains(operation)
  }
}
