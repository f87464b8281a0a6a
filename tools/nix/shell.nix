# Images with the environment that a derivation is built in; a part of default.nix, which has what is handed in here.
{ streamLayeredImage, compressed, overridable, step, textFile, binSh, usrBinEnv, makeFakeNss, need, bashInteractive, cacert }:

let
  inherit (builtins)
    attrNames attrValues concatStringsSep filter isAttrs isBool isInt isList isString listToAttrs mapAttrs
    placeholder replaceStrings storeDir unsafeDiscardStringContext;

  # An attribute as Nix puts it into the environment of a build.
  variable = value:
    if isString value then value
    else if isList value then concatStringsSep " " (map variable value)
    else if isBool value then (if value then "1" else "")
    else if value == null then ""
    else if isAttrs value && value ? __toString then value.__toString value
    else if isAttrs value then "${value}"
    else if builtins.typeOf value == "path" then "${value}"
    else if isInt value then toString value
    else builtins.toJSON value;

  # The arguments of streamLayeredImage for one build environment. Texts are the program's own: “cooper build shell” has the same.
  environment = { drv, name, uid, gid, homeDirectory, shell, command, run }:
    let
      build = "/build";
      outputs = drv.outputs or [ "out" ];
      # As plain text, so that they are named and not built.
      outputPath = output: unsafeDiscardStringContext drv.${output}.outPath;
      # As the builder sees it, which has the paths of outputs where `placeholder` stands for them.
      text = value: replaceStrings (map placeholder outputs) (map outputPath outputs) (variable value);

      # What Nix keeps to itself is no variable.
      named = removeAttrs drv.drvAttrs [ "args" "__ignoreNulls" "__contentAddressed" "__impure" ];
      attributes =
        if drv.drvAttrs.__ignoreNulls or false then removeAttrs named (filter (attribute: named.${attribute} == null) (attrNames named))
        else named;
      passedAsFile = filter (attribute: attributes ? ${attribute}) (attributes.passAsFile or [ ]);

      # Everything but the outputs brings its context, and so its closure, into the image.
      ofAttributes = mapAttrs (_: text) (removeAttrs attributes (passedAsFile ++ outputs));
      ofFiles = listToAttrs (map
        (attribute: {
          name = "${attribute}Path";
          value = "${textFile "shell-passAsFile-${attribute}" (text attributes.${attribute})}";
        })
        passedAsFile);
      ofOutputs = listToAttrs (map (output: { name = output; value = outputPath output; }) outputs);

      buildDerivation = step "build-program" "build-derivation" {
        inherit shell;
        command = map text ([ drv.drvAttrs.builder ] ++ drv.drvAttrs.args or [ ]);
        preferLocalBuild = true;
      };

      certificates = "${cacert}/etc/ssl/certs/ca-bundle.crt";
      first = (if cacert == null then { } else { SSL_CERT_FILE = certificates; NIX_SSL_CERT_FILE = certificates; }) // {
        PATH = "${dirOf shell}:${buildDerivation}/bin";
        HOME = homeDirectory;
        NIX_STORE = storeDir;
        NIX_BUILD_CORES = "1";
      };
      last = {
        NIX_BUILD_TOP = build;
        TMPDIR = build;
        TEMPDIR = build;
        TMP = build;
        TEMP = build;
        PWD = build;
        TERM = "xterm-256color";
      };
      variables = first // ofAttributes // ofFiles // ofOutputs // last;

      rcfile = step "shell-start" "nix-shell-rc" {
        inherit shell command run;
        buildDerivation = "${buildDerivation}";
        preferLocalBuild = true;
      };
      directories = step "shell-directories" "nix-shell-directories" { preferLocalBuild = true; };
      users = makeFakeNss {
        extraPasswdLines = [ "nixbld:x:${toString uid}:${toString gid}:Build user:${homeDirectory}:/noshell" ];
        extraGroupLines = [ "nixbld:!:${toString gid}:" ];
      };
    in
    if drv.drvAttrs.__structuredAttrs or false then
      throw "cooper: the build environment of ${drv.name}: it has structured attributes, which no environment variable can hold; use a derivation without __structuredAttrs"
    else if command != null && run != null then
      throw "cooper: the build environment of ${drv.name}: “command” is for an interactive shell and “run” for another one; give one of them"
    else if builtins.match "/[^:\n]*" homeDirectory == null then
      throw "cooper: the build environment of ${drv.name}: “homeDirectory” is ${builtins.toJSON homeDirectory}, and should be an absolute path without colons and line breaks, as /etc/passwd has it"
    else {
      inherit name;
      contents = [ binSh usrBinEnv users directories ];
      permissions = map (path: { inherit path uid gid; }) [ "build" "etc/nix" "nix" "nix/store" "nix/var" "nix/var/nix" ];
      config = {
        Cmd = if run == null then [ shell "--rcfile" "${rcfile}" ] else [ shell "${rcfile}" ];
        User = "${toString uid}:${toString gid}";
        WorkingDir = build;
        Env = attrValues (mapAttrs (name: value: "${name}=${value}") variables);
      };
    };

  streamNixShellImage = overridable (
    { drv
    , name ? drv.name + "-env"
    , tag ? null
    , uid ? 1000
    , gid ? 1000
    , homeDirectory ? "/build"
    , shell ? "${need bashInteractive "bashInteractive" "the build environment of ${drv.name}"}/bin/bash"
    , command ? null
    , run ? null
    }:
    streamLayeredImage (
      environment { inherit drv name uid gid homeDirectory shell command run; } // { inherit tag; }
    )
  );

  buildNixShellImage = { drv, compressor ? "gz", ... }@args:
    compressed "${drv.name}-env.tar" compressor (streamNixShellImage (removeAttrs args [ "compressor" ])) { buildArgs = args; } { };
in
{
  inherit streamNixShellImage;
  buildNixShellImage = overridable buildNixShellImage;
}
