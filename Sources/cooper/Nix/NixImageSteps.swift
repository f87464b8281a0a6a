import ArgumentParser
import ImageBuild
import OrderedJSON

/// Derivations of an image with one layer on top of its base.
struct NixImageSteps {
  private let step: NixStep

  init(_ step: NixStep) { self.step = step }

  private func build(_ spec: ImageSpec) async throws -> LayeredImage {
    try await SingleLayerBuild(
      spec: spec, store: .ofNix(), registry: .parse([]), messages: .parse([])
    ).image()
  }

  func image() async throws {
    let spec: ImageSpec = try step.spec(ImageSpec.init, with: step.defaultTag)
    let job = LayeredImageJob(
      spec.common, store: try .ofNix(), registry: try .parse([]), messages: try .parse([]))
    try await job.write(try await build(spec), to: .files(.dockerArchive(step.output, name: nil)))
  }

  /// A directory with the layer as it is in the image.
  func layer() async throws {
    let image = try await build(step.spec(ImageSpec.init, with: ["tag": "layer"]))
    guard let layer = image.parts.last?.recipe else {
      preconditionFailure("an image without a layer of its own")
    }
    try LayerDirectory.write(layer, to: step.output)
  }
}
