import ArchiveIO
import Glibc
import ImageBuild
import OCIModel
import OrderedJSON
import SystemPackage

/// Files that say how an image is built.
enum BuildFile {
  /// The image of nixpkgs' conf.json at `path`, or of a script of tools/nix that has one in it, under another name where one is given.
  static func streamed(_ path: String, store: StoreOptions, repoTag: String?) async throws -> LayeredImage {
    let bytes = try UserFile.contents(of: path)
    let json = StreamScript.json(in: bytes)
    var configuration = try StreamConfiguration(parsing: json, now: BuildClock.now())
    if let repoTag { configuration.repoTag = repoTag }
    let files = PlainFile(scratch: ProcessEnvironment.current.temporaryDirectory)
    let root = store.root
    var image = try await Thread.run { [configuration] in
      try LayeredImage(configuration, root: root, files: files)
    }
    // nixpkgs' script tells whose store it is; ours writes the same bytes everywhere.
    if json.count < bytes.count { image.disownCustomisation() }
    return image
  }

  /// The spec of a layered image in the file at `path`, which may also be a script that streams it.
  static func spec(_ path: String) throws -> LayeredSpec { try parse(path, LayeredSpec.init) }

  /// The spec of an image with one layer.
  static func imageSpec(_ path: String) throws -> ImageSpec { try parse(path, ImageSpec.init) }

  /// The spec of an image with a derivation's build environment.
  static func shellSpec(_ path: String) throws -> ShellSpec {
    try parse(path) { bytes, directory, _, _ in try ShellSpec(parsing: bytes, directory: directory) }
  }

  private static func parse<Spec>(
    _ path: String, _ make: ([UInt8], FilePath, DateText, String) throws -> Spec
  ) throws -> Spec {
    let bytes = StreamScript.json(in: try UserFile.contents(of: path))
    do {
      return try make(bytes, directory(of: path), BuildClock.now(), PlatformOptions.hostArchitecture)
    } catch let error as SpecError {
      throw UsageError("\(path): \(error)")
    }
  }

  /// The image that the file at `path` describes: nixpkgs' conf.json, or a build spec.
  static func image(
    _ path: String, store: StoreOptions, registry: RegistryOptions, messages: OutputOptions,
    settings: ScriptSettings
  ) async throws -> LayeredImage {
    let document = try JSONValue(parsing: UserFile.contents(of: path))
    if document["store_layers"] != nil { return try await streamed(path, store: store, repoTag: nil) }
    if document["drv"] != nil {
      return try await ShellBuild(
        spec: shellSpec(path), store: store, registry: registry, messages: messages
      ).layered().image()
    }
    // These keys are in no spec of a layered image.
    if ["copyToRoot", "keepContentsDirlinks", "runAsRoot", "remove"].contains(where: { document[$0] != nil })
    {
      return try await SingleLayerBuild(
        spec: imageSpec(path), store: store, registry: registry, messages: messages, settings: settings
      ).image()
    }
    return try await LayeredBuild(
      spec: spec(path), store: store, registry: registry, messages: messages, settings: settings
    )
    .image()
  }

  /// The directory of a file, where its relative paths begin; links are followed.
  static func directory(of path: String) throws -> FilePath {
    guard let resolved = realpath(path, nil) else { throw FileError("open", path, Errno(rawValue: errno)) }
    defer { free(resolved) }
    return FilePath(String(cString: resolved)).removingLastComponent()
  }

  /// Whether there is a file at `path` that begins as a JSON object does.
  static func isOne(_ path: String) -> Bool {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      let file = try? FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
    else { return false }
    defer { try? file.close() }
    var start = [UInt8](repeating: 0, count: 64)
    let count = (try? start.withUnsafeMutableBytes { try file.read(into: $0) }) ?? 0
    return start.prefix(count).first { !" \n\r\t".utf8.contains($0) } == UInt8(ascii: "{")
  }
}
