// Only for an instance at another address than the site: put that address here, this file into the site's top folder,
// and data-worker="/polycircle-sw.js" into the tag. Whoever controls that instance can then answer this site's requests.
importScripts('https://instance.example/cgi-bin/polycircle.fcgi/circle-sw.js')
