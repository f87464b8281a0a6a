import OrderedJSON
import TestSupport
import Testing

/// The defaults of tools/nix are those of the manual's tables (dockerTools-manual.md, “Inputs” of each function).
@Suite(WithNixStore(), .serialized) struct NixDefaultsTests {
  private static let date: JSONValue = "1970-01-01T00:00:01Z"

  private static func value(_ expression: String) async throws -> JSONObject {
    let facts = try await NixPlace.suite.evaluate("with dockerTools; \(expression)")
    return try #require(facts.object).sorted()
  }

  @Test func `those of buildImage`() async throws {
    let spec: JSONObject = [
      "architecture": "amd64", "buildVMMemorySize": 512, "compressor": "gz", "config": .null,
      "copyToRoot": [],
      "created": Self.date, "diskSize": 1024, "extraCommands": "", "fromImage": .null, "fromImageName": .null,
      "fromImageTag": .null, "gid": 0, "includeNixDB": false, "keepContentsDirlinks": false, "name": "a",
      "runAsRoot": .null, "tag": .null, "uid": 0,
    ]
    #expect(try await Self.value("(buildImage { name = \"a\"; }).drvAttrs.spec") == spec)
  }

  @Test func `those of streamLayeredImage and buildLayeredImage`() async throws {
    let conf: JSONObject = [
      "architecture": "amd64", "created": Self.date, "fromImage": .null, "gid": 0, "gname": "root",
      "includeStorePaths": true, "layering": "popularity", "maxLayers": 100, "mtime": Self.date, "name": "a",
      "tag": .null, "uid": 0, "uname": "root",
    ]
    for function in ["streamLayeredImage", "buildLayeredImage"] {
      #expect(try await Self.value("(\(function) { name = \"a\"; }).conf.drvAttrs.spec") == conf)
      let layer = try await Self.value(
        "(\(function) { name = \"a\"; }).conf.drvAttrs.customisation.drvAttrs.spec")
      #expect(layer["extraCommands"] == "" && layer["fakeRootCommands"] == "" && layer["contents"] == [])
      #expect(layer["enableFakechroot"] == false && layer["includeNixDB"] == false)
    }
    #expect(
      try await Self.value("{ inherit (buildLayeredImage { name = \"a\"; }) compressor; }") == [
        "compressor": "gz"
      ])
  }

  @Test func `those of pullImage and exportImage`() async throws {
    let pulled = try await Self.value(
      """
      { inherit (pullImage { imageName = "a/b"; imageDigest = "sha256:0"; }) os arch finalImageName finalImageTag tlsVerify name outputHashMode; }
      """)
    #expect(
      pulled == [
        "arch": "amd64", "finalImageName": "a/b", "finalImageTag": "latest",
        "name": "docker-image-a-b-latest.tar",
        "os": "linux", "outputHashMode": "flat", "tlsVerify": true,
      ])
    let exported = try await Self.value(
      "{ inherit (exportImage { fromImage = hello; }) name fromImageName fromImageTag; }")
    #expect(exported == ["fromImageName": .null, "fromImageTag": .null, "name": "hello-2.12.1"])
  }

  @Test func `those of streamNixShellImage and buildNixShellImage`() async throws {
    for function in ["streamNixShellImage", "buildNixShellImage"] {
      let image = "(\(function) { drv = helloPackage; })"
      let facts = try await Self.value(
        """
        {
          inherit (\(image).conf.drvAttrs.spec) name tag;
          config = let c = (builtins.fromJSON (builtins.unsafeDiscardStringContext \(image).conf.drvAttrs.baseJSON.drvAttrs.text)).config; in
            { inherit (c) User WorkingDir; shell = builtins.elemAt c.Cmd 0 == "${bash}/bin/bash"; option = builtins.elemAt c.Cmd 1; home = builtins.elem "HOME=/build" c.Env; };
        }
        """)
      #expect(facts["name"] == "hello-2.12.1-env" && facts["tag"] == .null)
      #expect(
        facts["config"] == [
          "User": "1000:1000", "WorkingDir": "/build", "home": true, "option": "--rcfile", "shell": true,
        ])
    }
  }
}
