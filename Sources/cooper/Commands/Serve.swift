import ArgumentParser
import ImageArchive
import ImageServing
import OCIModel
import SystemPackage

/// `cooper serve`: an archive or layout as a registry.
struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Serves the images of a layout or an archive to this machine, as a registry that cannot be written to.",
    discussion: """
      Prints the address when it listens, and goes on until it is interrupted. An image's name is its name in the archive, without the
      registry; one that has only a tag gets the name of the file or directory, or that of --repository. What is added to a layout later
      is not seen. A docker-archive has no manifest: one is made, for layers as they are stored.

      Examples:
        cooper serve oci:layout --listen 127.0.0.1:5000 &
        docker pull 127.0.0.1:5000/layout:2.19.3
        cooper serve image.tar.gz
      """)

  @Argument(
    help: "docker-archive:FILE[:NAME:TAG or :@INDEX], oci:DIR[:TAG], oci-archive:FILE[:TAG], a path, or -.")
  var location: String

  @Option(help: "An address of this machine alone, and a port; port 0 takes a free one.")
  var listen = "127.0.0.1:0"

  @Option(help: "The name of images that have only a tag.")
  var repository: String?

  @OptionGroup var output: OutputOptions

  mutating func run() async throws {
    let address = try LoopbackAddress(listen)
    let images = try await served()
    let server = try await ImageServer.start(images, host: address.host, port: address.port)
    try Console.output(server.address)
    if !output.quiet {
      for name in images.names { Console.error("\(server.address)/\(name)") }
    }
    try await Interruption.wait()
    try await server.stop()
  }

  private func served() async throws -> ServedImages {
    let place = try ImageLocation(location)
    let (collection, selector) = try await OpenedImage.collection(at: place)
    var images = ServedImages(repository: try repository.map(checked) ?? place.repositoryName)
    if let selector {
      let names: [String]
      switch selector {
      case .name(let name): names = [name]
      case .position(let position): names = collection.listings[safe: position]?.names ?? []
      case .digest: names = []
      }
      try await images.add(collection.image(selector), names: names, isOnly: true)
      return images
    }
    let listings = collection.listings
    for (position, listing) in listings.enumerated() {
      try await images.add(
        collection.image(.position(position)), names: listing.names, isOnly: listings.count == 1)
    }
    return images
  }

  private func checked(_ name: String) throws -> String {
    guard ServedImages.isRepositoryName(name) else {
      throw UsageError("--repository \(name): not the name of a repository, such as team/app")
    }
    return name
  }
}

extension Array {
  fileprivate subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}

extension ImageLocation {
  /// A repository's name made from that of the file or directory.
  fileprivate var repositoryName: String {
    let path: String =
      switch self {
      case .dockerArchive(let path, _), .ociLayout(let path, _), .ociArchive(let path, _), .path(let path):
        path.lastComponent?.string ?? ""
      case .registry, .standardStream: ""
      }
    let stem = path.split(separator: ".").first.map(String.init) ?? ""
    let name = String(stem.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
    return ServedImages.isRepositoryName(name) ? name : "image"
  }
}

/// An address that only programs on this machine can reach.
struct LoopbackAddress: Hashable {
  let host: String
  let port: Int

  /// Reads `HOST:PORT`.
  init(_ text: String) throws {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count > 1, let port = parts.last.flatMap({ UInt16($0) }) else {
      throw UsageError("--listen \(text): HOST:PORT is wanted, such as 127.0.0.1:5000")
    }
    let host = parts.dropLast().joined(separator: ":")
    let octets = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
    guard
      host == "localhost" || host == "[::1]" || octets.count == 4 && octets[0] == 127 && !octets.contains(nil)
    else {
      throw UsageError(
        "--listen \(text): only this machine is served, so HOST is 127.0.0.1, localhost or [::1]")
    }
    self.host = host == "localhost" ? "127.0.0.1" : host == "[::1]" ? "::1" : host
    self.port = Int(port)
  }
}
