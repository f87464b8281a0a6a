# Small images to try the functions with: `nix-build -A dockerTools.examples.hello`.
{ dockerTools, hello, redis, buildEnv, cowsay, need }:

let
  package = value: name: need value name "the example";
  inherit (dockerTools)
    buildImage buildLayeredImage streamLayeredImage exportImage mergeImages buildNixShellImage binSh usrBinEnv
    caCertificates fakeNss shadowSetup;
  world = package hello "hello";
in
rec {
  # A greeting, a layer for each store path.
  hello = buildLayeredImage {
    name = "hello";
    tag = "latest";
    contents = [ world ];
    config.Cmd = [ "/bin/hello" ];
  };

  # The same as a script that streams it: run it, and pipe it into `docker load`.
  helloStream = streamLayeredImage {
    name = "hello";
    tag = "latest";
    contents = [ world ];
    config.Cmd = [ "/bin/hello" ];
  };

  # The same in one layer, as copies.
  helloFlat = buildImage {
    name = "hello-flat";
    tag = "latest";
    copyToRoot = [ world ];
    config.Cmd = [ "/bin/hello" ];
  };

  # A server with a directory for its data.
  server = buildImage {
    name = "redis";
    tag = "latest";
    copyToRoot = package buildEnv "buildEnv" {
      name = "image-root";
      paths = [ (package redis "redis") ];
      pathsToLink = [ "/bin" ];
    };
    extraCommands = "mkdir data";
    config = {
      Cmd = [ "/bin/redis-server" ];
      WorkingDir = "/data";
      Volumes."/data" = { };
    };
  };

  # A layer on top of another image.
  onTop = buildLayeredImage {
    name = "hello-and-cow";
    tag = "latest";
    fromImage = helloFlat;
    contents = [ (package cowsay "cowsay") ];
    config.Cmd = [ "/bin/cowsay" "moo" ];
  };

  # What programs expect around them.
  environment = buildLayeredImage {
    name = "environment";
    tag = "latest";
    contents = [ world binSh usrBinEnv caCertificates fakeNss ];
    config.Cmd = [ "/bin/sh" ];
  };

  # A user of its own, who has a directory.
  user = buildLayeredImage {
    name = "user";
    tag = "latest";
    contents = [ world ];
    fakeRootCommands = ''
      ${shadowSetup}
      groupadd --system app
      useradd --system --gid app app
      mkdir /data
      chown app:app /data
    '';
    enableFakechroot = true;
    config = {
      Cmd = [ "/bin/hello" ];
      User = "app";
    };
  };

  # Two images in one archive.
  both = mergeImages [ hello helloFlat ];

  # The files of an image, for `docker import`.
  files = exportImage {
    name = "hello.tar";
    fromImage = hello;
  };

  # What hello is built in.
  shell = buildNixShellImage {
    drv = world;
    tag = "latest";
  };
}
