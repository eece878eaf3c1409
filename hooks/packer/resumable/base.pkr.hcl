# States 5 to 15: the machine and its base. Starts from nothing.

source "file" "image" {
  content = "base of ${formatdate("YYYY-MM-DD", timestamp())}"
  target  = "image-base.txt"
}

build {
  sources = ["source.file.image"]

  provisioner "shell-local" {
    inline = ["echo 'milepost: stage 15 Base configuration'", "echo 'your base configuration stands here'"]
  }
}
