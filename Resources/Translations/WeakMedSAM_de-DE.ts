<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de_DE" sourcelanguage="en_US">
<context>
    <name>Bar</name>
    <message>
        <source>The volume that everything here is about; it follows the slice views</source>
        <translation>Das Volumen, um das es hier überall geht; es folgt den Schichtansichten</translation>
    </message>
    <message>
        <source>Choose a volume</source>
        <translation>Volumen wählen</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>Rückgängig</translation>
    </message>
    <message>
        <source>Redo</source>
        <translation>Wiederholen</translation>
    </message>
    <message>
        <source>How the panel behaves</source>
        <translation>Wie sich das Panel verhält</translation>
    </message>
    <message>
        <source>Go</source>
        <translation>Los</translation>
    </message>
    <message>
        <source>Restore</source>
        <translation>Wiederherstellen</translation>
    </message>
    <message>
        <source>Take these labels; Undo takes that back</source>
        <translation>Diese Angaben übernehmen; „Rückgängig“ nimmt es zurück</translation>
    </message>
    <message>
        <source>Later</source>
        <translation>Später</translation>
    </message>
    <message>
        <source>Keep them, and ask again when the volume is loaded after the next start of Slicer</source>
        <translation>Sie behalten, und wieder fragen, wenn das Volumen nach dem nächsten Start von Slicer geladen ist</translation>
    </message>
    <message>
        <source>Discard...</source>
        <translation>Verwerfen...</translation>
    </message>
    <message>
        <source>Delete them; this asks first</source>
        <translation>Sie löschen; vorher wird gefragt</translation>
    </message>
</context>
<context>
    <name>Classes</name>
    <message>
        <source>Classes</source>
        <translation>Klassen</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>Name</translation>
    </message>
    <message>
        <source>Colour</source>
        <translation>Farbe</translation>
    </message>
    <message>
        <source>Side</source>
        <translation>Seite</translation>
    </message>
    <message>
        <source>In which half of the patient&apos;s body it lies: the patient&apos;s left is at the right of the picture</source>
        <translation>In welcher Hälfte des Körpers sie liegt: die linke Seite des Patienten ist im Bild rechts</translation>
    </message>
    <message>
        <source>Pieces</source>
        <translation>Teile</translation>
    </message>
    <message>
        <source>Whether it is one connected piece in a patient; nothing is outside of the box of a class of one piece</source>
        <translation>Ob sie in einem Patienten ein zusammenhängendes Stück ist; außerhalb der Box einer Klasse aus einem Stück ist nichts von ihr</translation>
    </message>
    <message>
        <source>Brightness:</source>
        <translation>Helligkeit:</translation>
    </message>
    <message>
        <source>In the grey values as they are shown. It weighs where the class is looked for, and rules nothing out.</source>
        <translation>In den Grauwerten, wie sie gezeigt werden. Das gewichtet, wo nach der Klasse gesucht wird, und schließt nichts aus.</translation>
    </message>
    <message>
        <source>Size in ml:</source>
        <translation>Größe in ml:</translation>
    </message>
    <message>
        <source>smallest</source>
        <translation>kleinste</translation>
    </message>
    <message>
        <source>Smallest volume in ml</source>
        <translation>Kleinstes Volumen in ml</translation>
    </message>
    <message>
        <source>Volume in a patient who shows the class. A mask beyond it is told, counts as unsure, and stays as it is.</source>
        <translation>Volumen bei einem Patienten, der die Klasse zeigt. Eine Maske darüber oder darunter wird genannt, gilt als unsicher und bleibt, wie sie ist.</translation>
    </message>
    <message>
        <source>to</source>
        <translation>bis</translation>
    </message>
    <message>
        <source>largest</source>
        <translation>größte</translation>
    </message>
    <message>
        <source>Largest volume in ml</source>
        <translation>Größtes Volumen in ml</translation>
    </message>
    <message>
        <source>Inside of:</source>
        <translation>Innerhalb von:</translation>
    </message>
    <message>
        <source>The class that this one is a part of: its pixels are of that class, too.</source>
        <translation>Die Klasse, von der diese ein Teil ist: Ihre Pixel gehören auch zu jener.</translation>
    </message>
    <message>
        <source>Other classes:</source>
        <translation>Andere Klassen:</translation>
    </message>
    <message>
        <source>Whether pixels of this class may be of other classes that it is not inside of.</source>
        <translation>Ob Pixel dieser Klasse auch zu anderen Klassen gehören können, innerhalb derer sie nicht liegt.</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>Details</translation>
    </message>
    <message>
        <source>Label val&amp;ue:</source>
        <translation>Label&amp;wert:</translation>
    </message>
    <message>
        <source>Voxel value of this class in exported label maps. It never changes by itself.</source>
        <translation>Voxelwert dieser Klasse in exportierten Labelmaps. Er ändert sich nie von selbst.</translation>
    </message>
    <message>
        <source>&amp;Key:</source>
        <translation>T&amp;aste:</translation>
    </message>
    <message>
        <source>Key in the slice views: present or untagged; with Shift: absent or untagged.</source>
        <translation>Taste in den Schichtansichten: vorhanden oder nicht markiert; mit Umschalt: nicht vorhanden oder nicht markiert.</translation>
    </message>
    <message>
        <source>Terminology:</source>
        <translation>Terminologie:</translation>
    </message>
    <message>
        <source>Choose...</source>
        <translation>Wählen...</translation>
    </message>
    <message>
        <source>&amp;Add</source>
        <translation>Hin&amp;zufügen</translation>
    </message>
    <message>
        <source>Add a class; its name can be typed at once</source>
        <translation>Klasse hinzufügen; der Name kann sofort eingegeben werden</translation>
    </message>
    <message>
        <source>Remove the selected class; asks first if it has tags</source>
        <translation>Ausgewählte Klasse entfernen; fragt nach, wenn sie Markierungen hat</translation>
    </message>
    <message>
        <source>Label value, key, terminology of the selected class, and what else is known of it: brightness, size, other classes</source>
        <translation>Labelwert, Taste und Terminologie der gewählten Klasse, und was sonst von ihr bekannt ist: Helligkeit, Größe, andere Klassen</translation>
    </message>
    <message>
        <source>Say what the selected class is, with a code that other software understands</source>
        <translation>Angeben, was die ausgewählte Klasse ist, mit einem Code, den andere Software versteht</translation>
    </message>
    <message>
        <source>Presets</source>
        <translation>Vorlagen</translation>
    </message>
    <message>
        <source>Re&amp;move</source>
        <translation>&amp;Entfernen</translation>
    </message>
    <message>
        <source>Add the classes of a common task, with label values and terminology</source>
        <translation>Klassen einer häufigen Aufgabe hinzufügen, mit Labelwerten und Terminologie</translation>
    </message>
</context>
<context>
    <name>Export</name>
    <message>
        <source>Folder:</source>
        <translation>Ordner:</translation>
    </message>
    <message>
        <source>Where the files go</source>
        <translation>Wohin die Dateien geschrieben werden</translation>
    </message>
    <message>
        <source>All segments with names and colours, for 3D Slicer</source>
        <translation>Alle Segmente mit Namen und Farben, für 3D Slicer</translation>
    </message>
    <message>
        <source>Segmentation (.seg.nrrd)</source>
        <translation>Segmentierung (.seg.nrrd)</translation>
    </message>
    <message>
        <source>One number a class, in the geometry of the volume, for other programs</source>
        <translation>Eine Zahl je Klasse, in der Geometrie des Volumens, für andere Programme</translation>
    </message>
    <message>
        <source>Label map (.nrrd)</source>
        <translation>Labelmap (.nrrd)</translation>
    </message>
    <message>
        <source>Settings, versions, sizes in ml and a picture</source>
        <translation>Einstellungen, Versionen, Größen in ml und ein Bild</translation>
    </message>
    <message>
        <source>Report (.html)</source>
        <translation>Bericht (.html)</translation>
    </message>
    <message>
        <source>Name:</source>
        <translation>Name:</translation>
    </message>
    <message>
        <source>What the names of the files begin with</source>
        <translation>Womit die Namen der Dateien beginnen</translation>
    </message>
    <message>
        <source>Write the masks of every volume of the run under review, not of the current one alone</source>
        <translation>Die Masken aller Volumina des Laufs schreiben, der geprüft wird, nicht nur die des aktuellen</translation>
    </message>
    <message>
        <source>Write these files</source>
        <translation>Diese Dateien schreiben</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>Details</translation>
    </message>
    <message>
        <source>What the report calls volumes</source>
        <translation>Wie der Bericht Volumina nennt</translation>
    </message>
    <message>
        <source>Names of volumes may be names of patients; without them volumes are numbered</source>
        <translation>Namen von Volumina können Patientennamen sein; ohne sie werden die Volumina nummeriert</translation>
    </message>
    <message>
        <source>Volume &amp;names in the report</source>
        <translation>Volumen&amp;namen im Bericht</translation>
    </message>
    <message>
        <source>E&amp;xport</source>
        <translation>E&amp;xportieren</translation>
    </message>
</context>
<context>
    <name>Generate</name>
    <message>
        <source>Install</source>
        <translation>Installieren</translation>
    </message>
    <message>
        <source>Download and install what is missing into Slicer&apos;s Python</source>
        <translation>Fehlende Pakete herunterladen und im Python von Slicer installieren</translation>
    </message>
    <message>
        <source>Install from a folder...</source>
        <translation>Aus Ordner installieren...</translation>
    </message>
    <message>
        <source>For computers without network access: install from a folder of downloaded wheels</source>
        <translation>Für Computer ohne Netzwerkzugang: aus einem Ordner mit heruntergeladenen Wheels installieren</translation>
    </message>
    <message>
        <source>What pip writes</source>
        <translation>Ausgabe von pip</translation>
    </message>
    <message>
        <source>Preset:</source>
        <translation>Verfahren:</translation>
    </message>
    <message>
        <source>How masks are learned</source>
        <translation>Wie Masken gelernt werden</translation>
    </message>
    <message>
        <source>Device:</source>
        <translation>Gerät:</translation>
    </message>
    <message>
        <source>What the worker computes on</source>
        <translation>Worauf der Rechenprozess rechnet</translation>
    </message>
    <message>
        <source>Look for devices again</source>
        <translation>Erneut nach Geräten suchen</translation>
    </message>
    <message>
        <source>Masks into:</source>
        <translation>Masken in:</translation>
    </message>
    <message>
        <source>New segmentation</source>
        <translation>Neue Segmentierung</translation>
    </message>
    <message>
        <source>&amp;Generate masks</source>
        <translation>&amp;Masken erzeugen</translation>
    </message>
    <message>
        <source>&amp;Cancel</source>
        <translation>Abbre&amp;chen</translation>
    </message>
    <message>
        <source>Once a volume has a label its slices are encoded in the background; Details has a box for it</source>
        <translation>Sobald ein Volumen eine Markierung hat, werden seine Schichten im Hintergrund kodiert; unter Details lässt sich das abschalten</translation>
    </message>
    <message>
        <source>Share of the whole run</source>
        <translation>Anteil am gesamten Lauf</translation>
    </message>
    <message>
        <source>A slice with the mask as it is now</source>
        <translation>Eine Schicht mit der Maske in ihrem jetzigen Stand</translation>
    </message>
    <message>
        <source>Open run folder</source>
        <translation>Laufordner öffnen</translation>
    </message>
    <message>
        <source>Show the files of this run</source>
        <translation>Dateien dieses Laufs zeigen</translation>
    </message>
    <message>
        <source>Copy log</source>
        <translation>Log kopieren</translation>
    </message>
    <message>
        <source>Copy what happened, for a report</source>
        <translation>Ablauf kopieren, für einen Fehlerbericht</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>Details</translation>
    </message>
    <message>
        <source>Preset, device, where masks go, log and storage</source>
        <translation>Verfahren, Gerät, Ziel der Masken, Log und Ablage</translation>
    </message>
    <message>
        <source>A new segmentation, or one that exists, which keeps its segments and gets the masks of its own volume</source>
        <translation>Eine neue Segmentierung, oder eine vorhandene, die ihre Segmente behält und die Masken ihres eigenen Volumens bekommt</translation>
    </message>
    <message>
        <source>Prepare slices in the background</source>
        <translation>Schichten im Hintergrund vorbereiten</translation>
    </message>
    <message>
        <source>Encode the slices of a volume once it has a label, on half of the cores, so that Generate starts sooner; nothing is installed or downloaded for it</source>
        <translation>Die Schichten eines Volumens kodieren, sobald es eine Markierung hat, auf der Hälfte der Kerne, damit das Erzeugen früher beginnt; dafür wird nichts installiert oder heruntergeladen</translation>
    </message>
    <message>
        <source>Log</source>
        <translation>Log</translation>
    </message>
    <message>
        <source>What the worker writes</source>
        <translation>Ausgabe des Rechenprozesses</translation>
    </message>
    <message>
        <source>The last 2000 lines</source>
        <translation>Die letzten 2000 Zeilen</translation>
    </message>
    <message>
        <source>Storage</source>
        <translation>Ablage</translation>
    </message>
    <message>
        <source>Where patient images are kept on this computer</source>
        <translation>Wo auf diesem Computer Patientenbilder gespeichert werden</translation>
    </message>
    <message>
        <source>Runs and the feature cache hold copies of the images, on this computer only.</source>
        <translation>Läufe und der Merkmalsspeicher enthalten Kopien der Bilder, nur auf diesem Computer.</translation>
    </message>
    <message>
        <source>Runs in:</source>
        <translation>Läufe in:</translation>
    </message>
    <message>
        <source>Folder of new run folders; empty for the usual place</source>
        <translation>Ordner für neue Laufordner; leer für den üblichen Ort</translation>
    </message>
    <message>
        <source>Run:</source>
        <translation>Lauf:</translation>
    </message>
    <message>
        <source>Runs in this folder, the newest first</source>
        <translation>Läufe in diesem Ordner, die neuesten zuerst</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>Öffnen</translation>
    </message>
    <message>
        <source>Delete run...</source>
        <translation>Lauf löschen...</translation>
    </message>
    <message>
        <source>Cache in:</source>
        <translation>Merkmale in:</translation>
    </message>
    <message>
        <source>Folder of the feature cache; empty for the usual place</source>
        <translation>Ordner des Merkmalsspeichers; leer für den üblichen Ort</translation>
    </message>
    <message>
        <source>Clear cache...</source>
        <translation>Merkmale löschen...</translation>
    </message>
</context>
<context>
    <name>Review</name>
    <message>
        <source>Run:</source>
        <translation>Lauf:</translation>
    </message>
    <message>
        <source>All runs of this scene, the latest first</source>
        <translation>Alle Läufe dieser Szene, der letzte zuerst</translation>
    </message>
    <message>
        <source>&amp;Threshold:</source>
        <translation>&amp;Schwelle:</translation>
    </message>
    <message>
        <source>The mask of the chosen class becomes all voxels at least this probable</source>
        <translation>Die Maske der gewählten Klasse umfasst dann alle Voxel mit mindestens dieser Wahrscheinlichkeit</translation>
    </message>
    <message>
        <source> %</source>
        <translation> %</translation>
    </message>
    <message>
        <source>As generated</source>
        <translation>Wie erzeugt</translation>
    </message>
    <message>
        <source>Go to a volume that this run has masks of</source>
        <translation>Zu einem Volumen gehen, von dem dieser Lauf Masken hat</translation>
    </message>
    <message>
        <source>Show a volume of this run</source>
        <translation>Ein Volumen dieses Laufs zeigen</translation>
    </message>
    <message>
        <source>Load the masks of this run from its folder</source>
        <translation>Masken dieses Laufs aus seinem Ordner laden</translation>
    </message>
    <message>
        <source>Load masks into the scene</source>
        <translation>Masken in die Szene laden</translation>
    </message>
    <message>
        <source>Move all masks of this volume to where it lies now, with what was drawn on them (Undo moves them back)</source>
        <translation>Alle Masken dieses Volumens dorthin verschieben, wo es jetzt liegt, mit allem, was darauf gezeichnet wurde („Rückgängig“ verschiebt sie zurück)</translation>
    </message>
    <message>
        <source>Move masks along</source>
        <translation>Masken mitverschieben</translation>
    </message>
    <message>
        <source>Masks of the current volume. Choose one to work on it; check it when it is right.</source>
        <translation>Masken des aktuellen Volumens. Wählen Sie eine, um daran zu arbeiten; kreuzen Sie sie an, wenn sie richtig ist.</translation>
    </message>
    <message>
        <source>Make the mask as it was generated</source>
        <translation>Maske auf den erzeugten Stand zurücksetzen</translation>
    </message>
    <message>
        <source>Paint a few strokes where the class is; its outline is not needed</source>
        <translation>Ein paar Striche malen, wo die Klasse ist; ihr Umriss ist nicht nötig</translation>
    </message>
    <message>
        <source>Scribble +</source>
        <translation>Strich +</translation>
    </message>
    <message>
        <source>Paint a few strokes where the class is not</source>
        <translation>Ein paar Striche malen, wo die Klasse nicht ist</translation>
    </message>
    <message>
        <source>Scribble -</source>
        <translation>Strich -</translation>
    </message>
    <message>
        <source>Give slices back to the machine: its masks are put in place of yours</source>
        <translation>Schichten an die Maschine zurückgeben: Ihre Masken werden durch deren ersetzt</translation>
    </message>
    <message>
        <source>Give back</source>
        <translation>Zurückgeben</translation>
    </message>
    <message>
        <source>Slices, the &amp;least sure first</source>
        <translation>Schichten, die &amp;unsichersten zuerst</translation>
    </message>
    <message>
        <source>Click a row, or use the arrow keys, to see that slice. Return: fine and next. Delete: not fine after all.</source>
        <translation>Klicken Sie auf eine Zeile, oder nutzen Sie die Pfeiltasten, um die Schicht zu sehen. Eingabetaste: Gut und weiter. Entf: doch nicht gut.</translation>
    </message>
    <message>
        <source>The doubted tag is right: it is kept, and not doubted again</source>
        <translation>Die angezweifelte Markierung stimmt: Sie bleibt und wird nicht wieder angezweifelt</translation>
    </message>
    <message>
        <source>It is right</source>
        <translation>Sie stimmt</translation>
    </message>
    <message>
        <source>The doubted tag is wrong: present becomes absent, absent present</source>
        <translation>Die angezweifelte Markierung ist falsch: Aus vorhanden wird abwesend, aus abwesend vorhanden</translation>
    </message>
    <message>
        <source>Correct it</source>
        <translation>Berichtigen</translation>
    </message>
    <message>
        <source>The masks of this slice are right as they are: the whole slice counts as drawn then</source>
        <translation>Die Masken dieser Schicht stimmen, wie sie sind: Die ganze Schicht zählt dann als gezeichnet</translation>
    </message>
    <message>
        <source>They are right</source>
        <translation>Sie stimmen</translation>
    </message>
    <message>
        <source>The outline that the model made of your scribbles becomes the mask of this slice, as drawn (Enter in a slice view)</source>
        <translation>Der Umriss, den das Modell aus Ihren Strichen gemacht hat, wird die Maske dieser Schicht, wie gezeichnet (Eingabetaste in einer Schichtansicht)</translation>
    </message>
    <message>
        <source>Take outline</source>
        <translation>Umriss nehmen</translation>
    </message>
    <message>
        <source>Mark the slice that is shown as fine, and go to the next one that is not</source>
        <translation>Gezeigte Schicht als gut vermerken und zur nächsten gehen, die es noch nicht ist</translation>
    </message>
    <message>
        <source>✓ Fine an&amp;d next</source>
        <translation>✓ &amp;Gut und weiter</translation>
    </message>
    <message>
        <source>Go to the next slice that is not fine</source>
        <translation>Zur nächsten Schicht gehen, die noch nicht gut ist</translation>
    </message>
    <message>
        <source>Next to look at</source>
        <translation>Nächste ansehen</translation>
    </message>
    <message>
        <source>Show the masks as they were before, as long as this is held</source>
        <translation>Die Masken zeigen, wie sie vorher waren, solange dies gedrückt ist</translation>
    </message>
    <message>
        <source>Before (hold)</source>
        <translation>Vorher (halten)</translation>
    </message>
    <message>
        <source>Draw on the masks here, with the tools of the Segment Editor</source>
        <translation>Hier in die Masken zeichnen, mit den Werkzeugen des Segment Editor</translation>
    </message>
    <message>
        <source>Correct</source>
        <translation>Korrigieren</translation>
    </message>
    <message>
        <source>Learn from what you corrected, and draw the other slices anew</source>
        <translation>Aus Ihren Korrekturen lernen und die anderen Schichten neu zeichnen</translation>
    </message>
    <message>
        <source>Update</source>
        <translation>Aktualisieren</translation>
    </message>
    <message>
        <source>The other volumes, and undo of the last update</source>
        <translation>Die anderen Volumina, und die letzte Aktualisierung rückgängig machen</translation>
    </message>
    <message>
        <source>More</source>
        <translation>Mehr</translation>
    </message>
    <message>
        <source>End the update; the masks stay as they are, and your corrections, too</source>
        <translation>Die Aktualisierung beenden; die Masken bleiben, wie sie sind, Ihre Korrekturen auch</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Correct the chosen mask by hand</source>
        <translation>Gewählte Maske von Hand korrigieren</translation>
    </message>
    <message>
        <source>Edit in Segment Editor</source>
        <translation>Im Segment Editor bearbeiten</translation>
    </message>
    <message>
        <source>Show the masks as surfaces in the 3D view</source>
        <translation>Masken als Oberflächen in der 3D-Ansicht zeigen</translation>
    </message>
    <message>
        <source>Show &amp;3D</source>
        <translation>&amp;3D zeigen</translation>
    </message>
</context>
<context>
    <name>Tags</name>
    <message>
        <source>Align view</source>
        <translation>Ausrichten</translation>
    </message>
    <message>
        <source>Turn the slice view so that it shows whole slices of this volume</source>
        <translation>Schichtansicht so drehen, dass sie ganze Schichten dieses Volumens zeigt</translation>
    </message>
    <message>
        <source>&amp;Rest is absent</source>
        <translation>&amp;Rest nicht vorhanden</translation>
    </message>
    <message>
        <source>&amp;Start (S)</source>
        <translation>An&amp;fang (S)</translation>
    </message>
    <message>
        <source>Show it</source>
        <translation>Zeigen</translation>
    </message>
    <message>
        <source>Use it</source>
        <translation>Verwenden</translation>
    </message>
    <message>
        <source>Four views</source>
        <translation>Vier Ansichten</translation>
    </message>
    <message>
        <source>Choose the layout with Red, Yellow and Green slice views</source>
        <translation>Die Anordnung mit den Schichtansichten Red, Yellow und Green wählen</translation>
    </message>
    <message>
        <source>The current class begins on this slice (key S in the slice view)</source>
        <translation>Die aktuelle Klasse beginnt in dieser Schicht (Taste S in der Schichtansicht)</translation>
    </message>
    <message>
        <source>End (E)</source>
        <translation>Ende (E)</translation>
    </message>
    <message>
        <source>The current class ends on this slice: all slices from start to end become present (key E in the slice view)</source>
        <translation>Die aktuelle Klasse endet in dieser Schicht: Alle Schichten vom Anfang bis zum Ende werden als „vorhanden“ markiert (Taste E in der Schichtansicht)</translation>
    </message>
    <message>
        <source>&amp;Present (P)</source>
        <translation>&amp;Vorhanden (P)</translation>
    </message>
    <message>
        <source>A&amp;bsent (A)</source>
        <translation>Nich&amp;t vorhanden (A)</translation>
    </message>
    <message>
        <source>Box (X)</source>
        <translation>Box (X)</translation>
    </message>
    <message>
        <source>Draw a box that fits tightly around the current class on this slice, by two clicks on opposite corners (key X in the slice view)</source>
        <translation>Die aktuelle Klasse auf dieser Schicht eng mit einer Box umschließen, mit zwei Klicks auf gegenüberliegende Ecken (Taste X in der Schichtansicht)</translation>
    </message>
    <message>
        <source>Point (O)</source>
        <translation>Punkt (O)</translation>
    </message>
    <message>
        <source>Say by one click that the current class is there (key O in the slice view)</source>
        <translation>Mit einem Klick sagen, dass die aktuelle Klasse dort ist (Taste O in der Schichtansicht)</translation>
    </message>
    <message>
        <source>Not (Shift+O)</source>
        <translation>Nicht (Umschalt+O)</translation>
    </message>
    <message>
        <source>Say by one click that the current class is not there (keys Shift+O in the slice view)</source>
        <translation>Mit einem Klick sagen, dass die aktuelle Klasse dort nicht ist (Tasten Umschalt+O in der Schichtansicht)</translation>
    </message>
    <message>
        <source>When a range is tagged, every slice of this volume that is still untagged becomes absent for the class. Switch it off if there is more of the class elsewhere that you have not tagged yet.</source>
        <translation>Wird ein Bereich markiert, so wird jede noch nicht markierte Schicht dieses Volumens für die Klasse als „nicht vorhanden“ markiert. Schalten Sie dies aus, wenn die Klasse auch an anderen Stellen vorkommt, die Sie noch nicht markiert haben.</translation>
    </message>
    <message>
        <source>⋮ More</source>
        <translation>⋮ Mehr</translation>
    </message>
    <message>
        <source>Tag the rest, clear, import and export tags, keys</source>
        <translation>Rest markieren, Markierungen entfernen, importieren und exportieren, Tasten</translation>
    </message>
    <message>
        <source>Join to 3-D</source>
        <translation>Zu 3D verbinden</translation>
    </message>
    <message>
        <source>One box in 3-D of this one and the nearest one of the class on another slice (key Shift+Enter in the slice view)</source>
        <translation>Eine 3D-Box aus dieser und der nächsten der Klasse auf einer anderen Schicht (Umschalt+Eingabetaste in der Schichtansicht)</translation>
    </message>
    <message>
        <source>Boxes and points of this volume</source>
        <translation>Boxen und Punkte dieses Volumens</translation>
    </message>
    <message>
        <source>Boxes and points</source>
        <translation>Boxen und Punkte</translation>
    </message>
    <message>
        <source>Click to go there; the key Delete removes it</source>
        <translation>Klicken, um dorthin zu gehen; die Taste Entf entfernt es</translation>
    </message>
    <message>
        <source>Class</source>
        <translation>Klasse</translation>
    </message>
    <message>
        <source>Kind</source>
        <translation>Art</translation>
    </message>
    <message>
        <source>Slice</source>
        <translation>Schicht</translation>
    </message>
    <message>
        <source>The current class is on this slice; press again to clear the tag (key P in the slice view)</source>
        <translation>Die aktuelle Klasse ist in dieser Schicht vorhanden; noch einmal drücken, um die Markierung zu entfernen (Taste P in der Schichtansicht)</translation>
    </message>
    <message>
        <source>The current class is not on this slice; press again to clear the tag (key A in the slice view)</source>
        <translation>Die aktuelle Klasse ist in dieser Schicht nicht vorhanden; noch einmal drücken, um die Markierung zu entfernen (Taste A in der Schichtansicht)</translation>
    </message>
    <message>
        <source>Take</source>
        <translation>Übernehmen</translation>
    </message>
    <message>
        <source>Keep what is shown (key Enter in the slice view)</source>
        <translation>Behalten, was gezeigt wird (Eingabetaste in der Schichtansicht)</translation>
    </message>
    <message>
        <source>Leave</source>
        <translation>Lassen</translation>
    </message>
    <message>
        <source>Place nothing, or take back what was placed last (key Esc in the slice view)</source>
        <translation>Nichts setzen, oder zurücknehmen, was zuletzt gesetzt wurde (Taste Esc in der Schichtansicht)</translation>
    </message>
    <message>
        <source>◀ Untagged</source>
        <translation>◀ Nicht markiert</translation>
    </message>
    <message>
        <source>Go to the previous slice that is untagged for the current class (Shift+N in the slice view)</source>
        <translation>Zur vorherigen Schicht gehen, die für die aktuelle Klasse nicht markiert ist (Umschalt+N in der Schichtansicht)</translation>
    </message>
    <message>
        <source>Untagged ▶</source>
        <translation>Nicht markiert ▶</translation>
    </message>
    <message>
        <source>Go to the next slice that is untagged for the current class (key N in the slice view)</source>
        <translation>Zur nächsten Schicht gehen, die für die aktuelle Klasse nicht markiert ist (Taste N in der Schichtansicht)</translation>
    </message>
</context>
<context>
    <name>Volumes</name>
    <message>
        <source>Tag in view:</source>
        <translation>Markieren in:</translation>
    </message>
    <message>
        <source>Volumes</source>
        <translation>Volumina</translation>
    </message>
    <message>
        <source>Volumes in use are learned from, and get masks; those without tags get masks, too.</source>
        <translation>Aus den genutzten Volumina wird gelernt, und sie erhalten Masken; auch die ohne Markierungen erhalten Masken.</translation>
    </message>
    <message>
        <source>Use all volumes that can be used, or none; a click into the first column does it for one</source>
        <translation>Alle Volumina nutzen, die nutzbar sind, oder keines; für eines genügt ein Klick in die erste Spalte</translation>
    </message>
    <message>
        <source>All / none</source>
        <translation>Alle / keines</translation>
    </message>
    <message>
        <source>Which slice view shows the slices that are tagged</source>
        <translation>Welche Schichtansicht die Schichten zeigt, die markiert werden</translation>
    </message>
    <message>
        <source>Slice direction</source>
        <translation>Schichtrichtung</translation>
    </message>
    <message>
        <source>Turn this view so that it shows whole slices of the volume</source>
        <translation>Diese Ansicht so drehen, dass sie ganze Schichten des Volumens zeigt</translation>
    </message>
    <message>
        <source>Align view</source>
        <translation>Ausrichten</translation>
    </message>
</context>
<context>
    <name>WeakMedSAM</name>
    <message>
        <source>Which scans are learned from, and which one is being tagged.</source>
        <translation>Aus welchen Aufnahmen gelernt und welche gerade markiert wird.</translation>
    </message>
    <message>
        <source>1. Volumes</source>
        <translation>1. Volumina</translation>
    </message>
    <message>
        <source>What is looked for, with name, colour, label value and key.</source>
        <translation>Was gesucht wird, mit Name, Farbe, Labelwert und Taste.</translation>
    </message>
    <message>
        <source>2. Classes</source>
        <translation>2. Klassen</translation>
    </message>
    <message>
        <source>Which slices show a class and which do not.</source>
        <translation>Welche Schichten eine Klasse zeigen und welche nicht.</translation>
    </message>
    <message>
        <source>3. Mark</source>
        <translation>3. Markieren</translation>
    </message>
    <message>
        <source>4. Generate</source>
        <translation>4. Erzeugen</translation>
    </message>
    <message>
        <source>5. Review and correct</source>
        <translation>5. Prüfen und korrigieren</translation>
    </message>
    <message>
        <source>Save masks and a short report as files.</source>
        <translation>Masken und einen kurzen Bericht als Dateien speichern.</translation>
    </message>
    <message>
        <source>Learn from the tags on this computer and draw the masks.</source>
        <translation>Auf diesem Computer aus den Markierungen lernen und die Masken zeichnen.</translation>
    </message>
    <message>
        <source>Look at the masks, the least sure slices first, and correct them.</source>
        <translation>Masken ansehen, die unsichersten Schichten zuerst, und korrigieren.</translation>
    </message>
    <message>
        <source>6. Export</source>
        <translation>6. Export</translation>
    </message>
    <message>
        <source>WeakMedSAM</source>
        <translation>WeakMedSAM</translation>
    </message>
    <message>
        <source>&lt;p&gt;Segmentation masks from slice tags alone: say for the slices of a scan whether they show a class, and a model that learns from those tags &lt;b&gt;on this computer&lt;/b&gt; draws the class on every slice, for you to review and correct. Nobody draws outlines, and nothing leaves the machine. For research, not a medical device.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Try it:&lt;/b&gt; open the Sample Data module and load &lt;i&gt;MRBrainTumor1&lt;/i&gt;. Back here, scroll the red view to the first slice that shows the tumour and press &lt;b&gt;S&lt;/b&gt;, scroll to the last one and press &lt;b&gt;E&lt;/b&gt;, then press &lt;b&gt;Generate masks&lt;/b&gt;. Load &lt;i&gt;MRBrainTumor2&lt;/i&gt;, choose it under Volumes and tag it too: each further volume makes the masks of all better.&lt;/p&gt;</source>
        <translation>&lt;p&gt;Segmentierungsmasken allein aus Schichtmarkierungen: Geben Sie für die Schichten einer Aufnahme an, ob sie eine Klasse zeigen; ein Modell, das &lt;b&gt;auf diesem Computer&lt;/b&gt; aus diesen Markierungen lernt, zeichnet die Klasse in jeder Schicht, und Sie prüfen und korrigieren das Ergebnis. Niemand zeichnet Konturen, und nichts verlässt den Computer. Für die Forschung, kein Medizinprodukt.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Zum Ausprobieren:&lt;/b&gt; Öffnen Sie das Modul Sample Data und laden Sie &lt;i&gt;MRBrainTumor1&lt;/i&gt;. Blättern Sie danach hier in der roten Ansicht zur ersten Schicht, die den Tumor zeigt, und drücken Sie &lt;b&gt;S&lt;/b&gt;; blättern Sie zur letzten und drücken Sie &lt;b&gt;E&lt;/b&gt;; drücken Sie dann &lt;b&gt;Masken erzeugen&lt;/b&gt;. Laden Sie &lt;i&gt;MRBrainTumor2&lt;/i&gt;, wählen Sie es unter Volumina und markieren Sie es ebenfalls: Jedes weitere Volumen verbessert die Masken aller.&lt;/p&gt;</translation>
    </message>
    <message>
        <source>The method follows WeakMedSAM: Weakly-Supervised Medical Image Segmentation via SAM with Sub-Class Exploration and Prompt Affinity Mining (IEEE Transactions on Medical Imaging, 2025; &lt;a href=&quot;https://arxiv.org/abs/2503.04106&quot;&gt;arXiv:2503.04106&lt;/a&gt;). Image features come from LiteMedSAM, the distilled version of MedSAM (Segment anything in medical images, Nature Communications, 2024). Please cite both if you use masks made with this module.</source>
        <translation>Die Methode folgt WeakMedSAM: Weakly-Supervised Medical Image Segmentation via SAM with Sub-Class Exploration and Prompt Affinity Mining (IEEE Transactions on Medical Imaging, 2025; &lt;a href=&quot;https://arxiv.org/abs/2503.04106&quot;&gt;arXiv:2503.04106&lt;/a&gt;). Die Bildmerkmale stammen von LiteMedSAM, der destillierten Fassung von MedSAM (Segment anything in medical images, Nature Communications, 2024). Bitte zitieren Sie beide, wenn Sie mit diesem Modul erzeugte Masken verwenden.</translation>
    </message>
</context>
<context>
    <name>bar.bar_panel</name>
    <message>
        <source>There is no class yet; add one in section 2.</source>
        <translation>Es gibt noch keine Klasse; fügen Sie in Abschnitt 2 eine hinzu.</translation>
    </message>
    <message>
        <source>The class that is marked and shown: {name}</source>
        <translation>Die Klasse, die markiert und gezeigt wird: {name}</translation>
    </message>
    <message>
        <source>The volume that everything here is about: {name}. It follows the slice views.</source>
        <translation>Das Volumen, um das es hier überall geht: {name}. Es folgt den Schichtansichten.</translation>
    </message>
    <message>
        <source>Choose a volume.</source>
        <translation>Ein Volumen wählen.</translation>
    </message>
    <message>
        <source>slice {index}</source>
        <translation>Schicht {index}</translation>
    </message>
    <message>
        <source>no slice</source>
        <translation>keine Schicht</translation>
    </message>
    <message>
        <source>Of the slices 0 to {last}, as the Data Probe counts them</source>
        <translation>Von den Schichten 0 bis {last}, wie die Data Probe sie zählt</translation>
    </message>
    <message>
        <source>Undo (Z): {text}</source>
        <translation>Rückgängig (Z): {text}</translation>
    </message>
    <message>
        <source>Redo (Y): {text}</source>
        <translation>Wiederholen (Y): {text}</translation>
    </message>
    <message>
        <source>There is nothing to undo.</source>
        <translation>Es gibt nichts rückgängig zu machen.</translation>
    </message>
    <message>
        <source>There is nothing to redo.</source>
        <translation>Es gibt nichts zu wiederholen.</translation>
    </message>
    <message>
        <source> (in {names})</source>
        <translation> (in {names})</translation>
    </message>
    <message>
        <source>Next: {text}</source>
        <translation>Als Nächstes: {text}</translation>
    </message>
    <message>
        <source>Go to where that is done</source>
        <translation>Dorthin gehen, wo das getan wird</translation>
    </message>
    <message>
        <source>Click to read it.</source>
        <translation>Zum Lesen klicken.</translation>
    </message>
    <message>
        <source>Notes on the tags</source>
        <translation>Hinweise zu den Markierungen</translation>
    </message>
    <message>
        <source>And {count} more.</source>
        <translation>Und {count} weitere.</translation>
    </message>
</context>
<context>
    <name>bar.next_step</name>
    <message>
        <source>Masks are being generated; look at other slices meanwhile.</source>
        <translation>Masken werden erzeugt; sehen Sie sich inzwischen andere Schichten an.</translation>
    </message>
    <message>
        <source>Or drag its file or folder into this window.</source>
        <translation>Oder ziehen Sie ihre Datei oder ihren Ordner in dieses Fenster.</translation>
    </message>
    <message>
        <source>Load a scan.</source>
        <translation>Eine Aufnahme laden.</translation>
    </message>
    <message>
        <source>Choose a volume.</source>
        <translation>Ein Volumen wählen.</translation>
    </message>
    <message>
        <source>Choose another volume; this one cannot be used.</source>
        <translation>Ein anderes Volumen wählen; dieses ist nicht nutzbar.</translation>
    </message>
    <message>
        <source>Say what is looked for: add a class.</source>
        <translation>Sagen, was gesucht wird: eine Klasse hinzufügen.</translation>
    </message>
    <message>
        <source>Export the masks, or go on to the next volume.</source>
        <translation>Die Masken exportieren oder zum nächsten Volumen gehen.</translation>
    </message>
    <message>
        <source>Review one mask.</source>
        <translation>Eine Maske prüfen.</translation>
    </message>
    <message>
        <source>Review {count} masks.</source>
        <translation>{count} Masken prüfen.</translation>
    </message>
    <message>
        <source>Take out of use what cannot be used.</source>
        <translation>Nehmen Sie aus der Auswahl, was nicht verwendbar ist.</translation>
    </message>
    <message>
        <source>Wait a moment: volumes are being read.</source>
        <translation>Einen Augenblick: Volumina werden gelesen.</translation>
    </message>
    <message>
        <source>Install what is needed to generate masks.</source>
        <translation>Installieren, was zum Erzeugen von Masken nötig ist.</translation>
    </message>
    <message>
        <source>Mark this volume, or generate masks for the {count} in use.</source>
        <translation>Dieses Volumen markieren, oder Masken für die {count} ausgewählten erzeugen.</translation>
    </message>
    <message>
        <source>Mark this volume, or generate masks for &apos;{name}&apos;.</source>
        <translation>Dieses Volumen markieren, oder Masken für „{name}“ erzeugen.</translation>
    </message>
    <message>
        <source>Generate masks for this volume.</source>
        <translation>Masken für dieses Volumen erzeugen.</translation>
    </message>
    <message>
        <source>Generate masks for {count} volumes.</source>
        <translation>Masken für {count} Volumina erzeugen.</translation>
    </message>
    <message>
        <source>slice {index}</source>
        <translation>Schicht {index}</translation>
    </message>
    <message>
        <source>{volume}, {slice}</source>
        <translation>{volume}, {slice}</translation>
    </message>
    <message>
        <source>Put a box around {name} ({where}): {why}</source>
        <translation>Box um {name} setzen ({where}): {why}</translation>
    </message>
    <message>
        <source>Correct {name} ({where}): {why}</source>
        <translation>{name} korrigieren ({where}): {why}</translation>
    </message>
    <message>
        <source>Check the tag of {name} ({where}): {why}</source>
        <translation>Markierung von {name} prüfen ({where}): {why}</translation>
    </message>
    <message>
        <source>Draw {name} ({where}): {why}</source>
        <translation>{name} zeichnen ({where}): {why}</translation>
    </message>
    <message>
        <source>Of all that is in doubt in the volumes of this run, this promises most.</source>
        <translation>Von allem, was in den Volumen dieses Laufs unsicher ist, verspricht das am meisten.</translation>
    </message>
    <message>
        <source>place unsure</source>
        <translation>Ort unsicher</translation>
    </message>
    <message>
        <source>tagged present, nothing drawn</source>
        <translation>als vorhanden markiert, nichts gezeichnet</translation>
    </message>
</context>
<context>
    <name>bar.undo</name>
    <message>
        <source>This mask was changed by hand since. Undo loses that change, too. Go on?</source>
        <translation>Diese Maske wurde seither von Hand geändert. Durch das Zurücknehmen geht auch diese Änderung verloren. Fortfahren?</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>Rückgängig</translation>
    </message>
</context>
<context>
    <name>base.callbacks</name>
    <message>
        <source>WeakMedSAM</source>
        <translation>WeakMedSAM</translation>
    </message>
    <message>
        <source>Something went wrong: {error}. Details are in the log (View &gt; Error Log).</source>
        <translation>Ein Fehler ist aufgetreten: {error}. Einzelheiten stehen im Log (View &gt; Error Log).</translation>
    </message>
</context>
<context>
    <name>base.engine_words</name>
    <message>
        <source>The number of tagged volumes decides how good the masks get: tag more volumes, 8 or better 30.</source>
        <translation>Die Zahl der markierten Volumina entscheidet, wie gut die Masken werden: Markieren Sie mehr Volumina, 8 oder besser 30.</translation>
    </message>
    <message>
        <source>Close other programs, or use fewer or smaller volumes, then run it again.</source>
        <translation>Schließen Sie andere Programme, oder verwenden Sie weniger oder kleinere Volumina, und starten Sie den Lauf dann erneut.</translation>
    </message>
    <message>
        <source>Choose another one.</source>
        <translation>Wählen Sie etwas anderes.</translation>
    </message>
    <message>
        <source>The file is damaged or incomplete: copy it again.</source>
        <translation>Die Datei ist beschädigt oder unvollständig: Kopieren Sie sie erneut.</translation>
    </message>
    <message>
        <source>Choose &apos;Automatic&apos; as device (&apos;4. Generate&apos;, Details).</source>
        <translation>Wählen Sie „Automatisch“ als Gerät („4. Erzeugen“, Details).</translation>
    </message>
    <message>
        <source>Export the volume again from its source.</source>
        <translation>Exportieren Sie das Volumen erneut aus seiner Quelle.</translation>
    </message>
    <message>
        <source>Correct the file, or export it again.</source>
        <translation>Korrigieren Sie die Datei, oder exportieren Sie sie erneut.</translation>
    </message>
    <message>
        <source>Correct it in the module Volumes (Volume Information).</source>
        <translation>Korrigieren Sie es im Modul Volumes (Volume Information).</translation>
    </message>
    <message>
        <source>Get the published file again: &apos;weakmedsam weights&apos; at the command line does it.</source>
        <translation>Besorgen Sie die veröffentlichte Datei neu: „weakmedsam weights“ an der Kommandozeile hilft dabei.</translation>
    </message>
    <message>
        <source>Keep one entry, or give each another name.</source>
        <translation>Behalten Sie einen Eintrag, oder geben Sie jedem einen anderen Namen.</translation>
    </message>
    <message>
        <source>Make sure that it is the volume that was tagged.</source>
        <translation>Vergewissern Sie sich, dass es das markierte Volumen ist.</translation>
    </message>
    <message>
        <source>Choose the scan itself.</source>
        <translation>Wählen Sie die Aufnahme selbst.</translation>
    </message>
    <message>
        <source>Check the settings of the run.</source>
        <translation>Prüfen Sie die Einstellungen des Laufs.</translation>
    </message>
    <message>
        <source>Sizes and distances may be wrong: check the spacing in the module Volumes (Volume Information).</source>
        <translation>Größen und Abstände können falsch sein: Prüfen Sie den Voxelabstand im Modul Volumes (Volume Information).</translation>
    </message>
    <message>
        <source>Update WeakMedSAM.</source>
        <translation>Aktualisieren Sie WeakMedSAM.</translation>
    </message>
    <message>
        <source>Compare the volume with what Slicer shows; if it is wrong there, export it again from its source.</source>
        <translation>Vergleichen Sie das Volumen mit dem, was Slicer zeigt; ist es dort falsch, exportieren Sie es erneut aus seiner Quelle.</translation>
    </message>
    <message>
        <source>There is no class.</source>
        <translation>Es gibt keine Klasse.</translation>
    </message>
    <message>
        <source>Add a class, then tag slices.</source>
        <translation>Fügen Sie eine Klasse hinzu, und markieren Sie dann Schichten.</translation>
    </message>
    <message>
        <source>No slice is tagged.</source>
        <translation>Es ist keine Schicht markiert.</translation>
    </message>
    <message>
        <source>Tag the first to the last slice that show a class.</source>
        <translation>Markieren Sie die erste bis letzte Schicht, die eine Klasse zeigt.</translation>
    </message>
    <message>
        <source>Present on no slice: {names}.</source>
        <translation>In keiner Schicht vorhanden: {names}.</translation>
    </message>
    <message>
        <source>Tag a slice that shows it, or remove the class.</source>
        <translation>Markieren Sie eine Schicht, die sie zeigt, oder entfernen Sie die Klasse.</translation>
    </message>
    <message>
        <source>Absent on no slice of all volumes, so that nothing tells it from the rest: {names}.</source>
        <translation>In keiner Schicht aller Volumina als „nicht vorhanden“ markiert, sodass nichts sie vom Rest unterscheidet: {names}.</translation>
    </message>
    <message>
        <source>Present on few slices: {names}.</source>
        <translation>Nur in wenigen Schichten vorhanden: {names}.</translation>
    </message>
    <message>
        <source>Tag more slices that show it.</source>
        <translation>Markieren Sie mehr Schichten, die sie zeigen.</translation>
    </message>
    <message>
        <source>Absent on few slices: {names}.</source>
        <translation>Nur in wenigen Schichten als „nicht vorhanden“ markiert: {names}.</translation>
    </message>
    <message>
        <source>Masks get better with more slices that do not show it.</source>
        <translation>Mit mehr Schichten, die sie nicht zeigen, werden die Masken besser.</translation>
    </message>
    <message>
        <source>Tagged on nearly the same slices: {names}.</source>
        <translation>In fast denselben Schichten markiert: {names}.</translation>
    </message>
    <message>
        <source>Tags alone cannot tell them apart: merge them, or tag volumes where one appears without the other.</source>
        <translation>Markierungen allein können sie nicht unterscheiden: Fassen Sie sie zusammen, oder markieren Sie Volumina, in denen die eine ohne die andere vorkommt.</translation>
    </message>
    <message>
        <source>Only one volume is tagged.</source>
        <translation>Es ist erst ein Volumen markiert.</translation>
    </message>
    <message>
        <source>Few volumes are tagged.</source>
        <translation>Es sind erst wenige Volumina markiert.</translation>
    </message>
    <message>
        <source>Some tags were matched to volumes by name alone.</source>
        <translation>Einige Markierungen wurden allein nach dem Namen Volumina zugeordnet.</translation>
    </message>
    <message>
        <source>Make sure that they are these very scans.</source>
        <translation>Vergewissern Sie sich, dass es dieselben Aufnahmen sind.</translation>
    </message>
    <message>
        <source>Some tagged volumes are not part of this run.</source>
        <translation>Einige markierte Volumina sind nicht Teil dieses Laufs.</translation>
    </message>
    <message>
        <source>Add them: the more, the better the masks.</source>
        <translation>Nehmen Sie sie hinzu: Je mehr es sind, desto besser werden die Masken.</translation>
    </message>
    <message>
        <source>Some volumes have no tags, while tags of other names are unused.</source>
        <translation>Einige Volumina sind nicht markiert, während Markierungen unter anderen Namen ungenutzt bleiben.</translation>
    </message>
    <message>
        <source>Check the names in the tag file: they may be the same volumes, written in another way.</source>
        <translation>Prüfen Sie die Namen in der Datei mit den Markierungen: Es können dieselben Volumina sein, anders geschrieben.</translation>
    </message>
    <message>
        <source>Classes of nearly the same name, which are learnt as two: {names}.</source>
        <translation>Klassen mit fast demselben Namen, die getrennt gelernt werden: {names}.</translation>
    </message>
    <message>
        <source>If they are one class, give it one name.</source>
        <translation>Wenn es eine Klasse ist, geben Sie ihr einen Namen.</translation>
    </message>
    <message>
        <source>The confidence in some of the masks is low: look at every slice before you use them.</source>
        <translation>Die Sicherheit einiger Masken ist gering: Sehen Sie sich jede Schicht an, bevor Sie sie verwenden.</translation>
    </message>
    <message>
        <source>Two classes have the same name: {names}.</source>
        <translation>Zwei Klassen haben denselben Namen: {names}.</translation>
    </message>
    <message>
        <source>Restart Slicer.</source>
        <translation>Starten Sie Slicer neu.</translation>
    </message>
    <message>
        <source>Try again.</source>
        <translation>Versuchen Sie es noch einmal.</translation>
    </message>
    <message>
        <source>Tag slices that do not show it, or a volume without it; &apos;Tag the rest as absent&apos; does it for untagged slices.</source>
        <translation>Markieren Sie Schichten, die sie nicht zeigen, oder ein Volumen ohne sie; „Rest als nicht vorhanden markieren“ tut es für alle noch nicht markierten Schichten.</translation>
    </message>
    <message>
        <source>There is no class &apos;{name}&apos;.</source>
        <translation>Es gibt keine Klasse „{name}“.</translation>
    </message>
    <message>
        <source>Choose one of the section Classes.</source>
        <translation>Wählen Sie eine aus dem Abschnitt „Klassen“.</translation>
    </message>
    <message>
        <source>Two classes have the same label value: {names}.</source>
        <translation>Zwei Klassen haben denselben Labelwert: {names}.</translation>
    </message>
    <message>
        <source>Two classes have the same key: {names}.</source>
        <translation>Zwei Klassen haben dieselbe Taste: {names}.</translation>
    </message>
    <message>
        <source>This name cannot be used: {english}</source>
        <translation>Dieser Name kann nicht verwendet werden: {english}</translation>
    </message>
    <message>
        <source>An entry cannot be used: {english}</source>
        <translation>Eine Angabe kann nicht verwendet werden: {english}</translation>
    </message>
    <message>
        <source>These tags cannot be read: {english}</source>
        <translation>Diese Markierungen können nicht gelesen werden: {english}</translation>
    </message>
    <message>
        <source>By its name, {file} is no file of tags.</source>
        <translation>Dem Namen nach enthält {file} keine Markierungen.</translation>
    </message>
    <message>
        <source>These tags were written by a newer version of WeakMedSAM.</source>
        <translation>Diese Markierungen stammen von einer neueren Version von WeakMedSAM.</translation>
    </message>
    <message>
        <source>Labels of a kind that this version does not know are kept, but not used: {kind}.</source>
        <translation>Markierungen einer Art, die diese Version nicht kennt, werden behalten, aber nicht benutzt: {kind}.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos;: its labels count slices from the other end, and those of this kind cannot be turned: {kind}.</source>
        <translation>„{name}“: Die Markierungen zählen die Schichten vom anderen Ende, und die dieser Art können nicht umgedreht werden: {kind}.</translation>
    </message>
    <message>
        <source>&apos;{class}&apos;: labels contradict each other on slices {slices}; {trusted} count, not {other}.</source>
        <translation>„{class}“: Markierungen widersprechen sich in den Schichten {slices}; {trusted} zählen, nicht {other}.</translation>
    </message>
    <message>
        <source>Correct the one that is wrong.</source>
        <translation>Korrigieren Sie die falsche.</translation>
    </message>
    <message>
        <source>Use a name that ends in .json to keep them.</source>
        <translation>Mit einem Namen, der auf .json endet, bleiben sie erhalten.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos;: slices are tagged in two ways for &apos;{class}&apos;.</source>
        <translation>„{name}“: Schichten sind für „{class}“ auf zwei Weisen markiert.</translation>
    </message>
    <message>
        <source>Give each slice one tag.</source>
        <translation>Geben Sie jeder Schicht eine Markierung.</translation>
    </message>
    <message>
        <source>A volume is listed twice: {names}.</source>
        <translation>Ein Volumen ist zweimal aufgeführt: {names}.</translation>
    </message>
    <message>
        <source>{count} tagged volumes are named &apos;{name}&apos;.</source>
        <translation>{count} markierte Volumina heißen „{name}“.</translation>
    </message>
    <message>
        <source>Keep the tags of one direction.</source>
        <translation>Behalten Sie die Markierungen einer Richtung.</translation>
    </message>
    <message>
        <source>The tags of &apos;{name}&apos; were made on other voxels.</source>
        <translation>Die Markierungen von „{name}“ wurden an anderen Voxeln gesetzt.</translation>
    </message>
    <message>
        <source>Load the scan that was tagged, or tag this one.</source>
        <translation>Laden Sie die markierte Aufnahme, oder markieren Sie diese.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos;: &apos;{class}&apos; is tagged on slice {slice}, but the last one is {last}.</source>
        <translation>„{name}“: „{class}“ ist in Schicht {slice} markiert, die letzte ist aber {last}.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; has no slice {slice}; the last one is {last}.</source>
        <translation>„{name}“ hat keine Schicht {slice}; die letzte ist {last}.</translation>
    </message>
    <message>
        <source>{file} does not exist.</source>
        <translation>{file} gibt es nicht.</translation>
    </message>
    <message>
        <source>Check the name and the folder.</source>
        <translation>Prüfen Sie Namen und Ordner.</translation>
    </message>
    <message>
        <source>{file} cannot be read ({reason}).</source>
        <translation>{file} kann nicht gelesen werden ({reason}).</translation>
    </message>
    <message>
        <source>Check that you may read it.</source>
        <translation>Prüfen Sie, ob Sie sie lesen dürfen.</translation>
    </message>
    <message>
        <source>{file} cannot be written ({reason}).</source>
        <translation>{file} kann nicht geschrieben werden ({reason}).</translation>
    </message>
    <message>
        <source>There is not enough room in {folder}.</source>
        <translation>In {folder} ist nicht genug Platz.</translation>
    </message>
    <message>
        <source>{file} is too large for a file of this kind.</source>
        <translation>{file} ist zu groß für eine Datei dieser Art.</translation>
    </message>
    <message>
        <source>Choose another file.</source>
        <translation>Wählen Sie eine andere Datei.</translation>
    </message>
    <message>
        <source>{file} is not UTF-8 text.</source>
        <translation>{file} ist kein Text in UTF-8.</translation>
    </message>
    <message>
        <source>Save it as UTF-8; in a spreadsheet choose &apos;CSV UTF-8&apos;.</source>
        <translation>Speichern Sie sie als UTF-8; in einer Tabellenkalkulation wählen Sie „CSV UTF-8“.</translation>
    </message>
    <message>
        <source>{file} is not valid JSON ({reason}).</source>
        <translation>{file} ist kein gültiges JSON ({reason}).</translation>
    </message>
    <message>
        <source>{file} does not lie where it belongs, and is not read.</source>
        <translation>{file} liegt nicht dort, wo sie hingehört, und wird nicht gelesen.</translation>
    </message>
    <message>
        <source>Save the volume anew in Slicer.</source>
        <translation>Speichern Sie das Volumen in Slicer neu.</translation>
    </message>
    <message>
        <source>{file} cannot be read.</source>
        <translation>{file} kann nicht gelesen werden.</translation>
    </message>
    <message>
        <source>The run folder cannot be used: {english}</source>
        <translation>Der Ordner des Laufs ist nicht verwendbar: {english}</translation>
    </message>
    <message>
        <source>{folder} is not the folder of a run.</source>
        <translation>{folder} ist nicht der Ordner eines Laufs.</translation>
    </message>
    <message>
        <source>The run was written by a newer version of WeakMedSAM.</source>
        <translation>Der Lauf stammt von einer neueren Version von WeakMedSAM.</translation>
    </message>
    <message>
        <source>Another process works in {folder}.</source>
        <translation>Ein anderer Prozess arbeitet in {folder}.</translation>
    </message>
    <message>
        <source>Wait until it has ended.</source>
        <translation>Warten Sie, bis er fertig ist.</translation>
    </message>
    <message>
        <source>No volume was chosen.</source>
        <translation>Es wurde kein Volumen gewählt.</translation>
    </message>
    <message>
        <source>Choose a volume in the section Volumes.</source>
        <translation>Wählen Sie ein Volumen im Abschnitt „Volumina“.</translation>
    </message>
    <message>
        <source>The setting &apos;{name}&apos; cannot be {value}.</source>
        <translation>Die Einstellung „{name}“ kann nicht {value} sein.</translation>
    </message>
    <message>
        <source>There is no setting &apos;{name}&apos;.</source>
        <translation>Es gibt keine Einstellung „{name}“.</translation>
    </message>
    <message>
        <source>There is no preset &apos;{name}&apos;.</source>
        <translation>Es gibt keine Voreinstellung „{name}“.</translation>
    </message>
    <message>
        <source>Choose another preset.</source>
        <translation>Wählen Sie eine andere Voreinstellung.</translation>
    </message>
    <message>
        <source>There is no network &apos;{name}&apos;.</source>
        <translation>Es gibt kein Netz „{name}“.</translation>
    </message>
    <message>
        <source>The range of grey values cannot be {value}.</source>
        <translation>Der Grauwertbereich kann nicht {value} sein.</translation>
    </message>
    <message>
        <source>Give the lowest and then the highest grey value.</source>
        <translation>Geben Sie den niedrigsten und dann den höchsten Grauwert an.</translation>
    </message>
    <message>
        <source>A model that is only applied has its own settings; not used: {names}.</source>
        <translation>Ein Modell, das nur angewendet wird, hat seine eigenen Einstellungen; nicht verwendet: {names}.</translation>
    </message>
    <message>
        <source>Train with these settings, or leave them out.</source>
        <translation>Trainieren Sie mit diesen Einstellungen, oder lassen Sie sie weg.</translation>
    </message>
    <message>
        <source>There is no device &apos;{device}&apos;.</source>
        <translation>Es gibt kein Gerät „{device}“.</translation>
    </message>
    <message>
        <source>The device &apos;{device}&apos; cannot be used on this computer.</source>
        <translation>Das Gerät „{device}“ kann auf diesem Computer nicht verwendet werden.</translation>
    </message>
    <message>
        <source>The memory of the GPU does not suffice.</source>
        <translation>Der Speicher der GPU reicht nicht aus.</translation>
    </message>
    <message>
        <source>Nothing says where on the slice the class is.</source>
        <translation>Nichts sagt, wo auf der Schicht die Klasse ist.</translation>
    </message>
    <message>
        <source>Give a box, or a point that shows it.</source>
        <translation>Geben Sie einen Kasten an, oder einen Punkt, der sie zeigt.</translation>
    </message>
    <message>
        <source>A box or a point does not lie on the slice.</source>
        <translation>Ein Kasten oder ein Punkt liegt nicht auf der Schicht.</translation>
    </message>
    <message>
        <source>Put it on the slice.</source>
        <translation>Setzen Sie ihn auf die Schicht.</translation>
    </message>
    <message>
        <source>The worker does not know the volume.</source>
        <translation>Der Rechenprozess kennt das Volumen nicht.</translation>
    </message>
    <message>
        <source>The voxels of the volume changed meanwhile.</source>
        <translation>Die Voxel des Volumens haben sich inzwischen geändert.</translation>
    </message>
    <message>
        <source>The slice could not be answered ({reason}).</source>
        <translation>Die Schicht konnte nicht beantwortet werden ({reason}).</translation>
    </message>
    <message>
        <source>The worker is of another version: {english}</source>
        <translation>Der Rechenprozess ist von einer anderen Version: {english}</translation>
    </message>
    <message>
        <source>Press &apos;Install&apos; in &apos;4. Generate&apos;.</source>
        <translation>Drücken Sie „Installieren“ in „4. Erzeugen“.</translation>
    </message>
    <message>
        <source>Install it anew, then press ↻: &apos;4. Generate&apos;, Details.</source>
        <translation>Installieren Sie es neu, und drücken Sie dann ↻: „4. Erzeugen“, Details.</translation>
    </message>
    <message>
        <source>The confidence in &apos;{volume}&apos; is {percent} %.</source>
        <translation>Die Sicherheit in „{volume}“ ist {percent} %.</translation>
    </message>
    <message>
        <source>&apos;{class}&apos;: place unsure (slices: {slices}); put a box around it on slice {slice}.</source>
        <translation>„{class}“: Ort unsicher (Schichten: {slices}); setzen Sie in Schicht {slice} eine Box darum.</translation>
    </message>
    <message>
        <source>&apos;{class}&apos;: extent unsure (slices: {slices}); correct these slices.</source>
        <translation>„{class}“: Ausdehnung unsicher (Schichten: {slices}); korrigieren Sie diese Schichten.</translation>
    </message>
    <message>
        <source>&apos;{class}&apos;: no label says where it is (unsure slices: {slices}); tag it, or put a box around it on slice {slice}.</source>
        <translation>„{class}“: Keine Angabe sagt, wo es ist (unsichere Schichten: {slices}); markieren Sie es, oder setzen Sie in Schicht {slice} eine Box darum.</translation>
    </message>
    <message>
        <source>It is not sure what is meant by &apos;{class}&apos;, on {slices} of {total} slices: put a box around it where it is largest.</source>
        <translation>Auf {slices} von {total} Schichten ist nicht sicher, was mit &apos;{class}&apos; gemeint ist: Setzen Sie dort eine Box darum, wo es am größten ist.</translation>
    </message>
    <message>
        <source>The edge of &apos;{class}&apos; is unsure, on {slices} of {total} slices: correct the least sure ones, and update.</source>
        <translation>Auf {slices} von {total} Schichten ist der Rand von &apos;{class}&apos; unsicher: Korrigieren Sie die unsichersten, und aktualisieren Sie.</translation>
    </message>
    <message>
        <source>This preset learns from slice tags alone: boxes and points say on which slices a class is, and of which pixels that is known; what is known of classes is passed over.</source>
        <translation>Diese Voreinstellung lernt nur aus Schicht-Markierungen: Boxen und Punkte sagen, auf welchen Schichten eine Klasse ist und von welchen Pixeln das bekannt ist; was von Klassen bekannt ist, wird übergangen.</translation>
    </message>
    <message>
        <source>Use the preset fast.</source>
        <translation>Nehmen Sie die Voreinstellung „fast“.</translation>
    </message>
    <message>
        <source>A model of the published method is not moved by corrections.</source>
        <translation>Ein Modell der veröffentlichten Methode lernt nicht aus Korrekturen.</translation>
    </message>
    <message>
        <source>Generate masks by the preset fast, then correct and update these.</source>
        <translation>Erzeugen Sie Masken mit der Voreinstellung fast, und korrigieren und aktualisieren Sie diese.</translation>
    </message>
    <message>
        <source>The update was cancelled.</source>
        <translation>Die Aktualisierung wurde abgebrochen.</translation>
    </message>
    <message>
        <source>Update again; nothing is lost.</source>
        <translation>Aktualisieren Sie noch einmal; nichts ist verloren.</translation>
    </message>
    <message>
        <source>Nothing was corrected, boxed or pointed at: the model stays as it is.</source>
        <translation>Es wurde nichts korrigiert und nichts durch Rahmen oder Punkte gezeigt: Das Modell bleibt, wie es ist.</translation>
    </message>
    <message>
        <source>Draw a slice of a mask, then update.</source>
        <translation>Zeichnen Sie eine Schicht einer Maske, und aktualisieren Sie dann.</translation>
    </message>
    <message>
        <source>Wait for the other run to finish, or choose another folder: &apos;4. Generate&apos;, Details, Storage.</source>
        <translation>Warten Sie, bis der andere Lauf fertig ist, oder wählen Sie einen anderen Ordner: „4. Erzeugen“, Details, Ablage.</translation>
    </message>
    <message>
        <source>Check that drive, or choose another folder: &apos;4. Generate&apos;, Details, Storage.</source>
        <translation>Prüfen Sie das Laufwerk, oder wählen Sie einen anderen Ordner: „4. Erzeugen“, Details, Ablage.</translation>
    </message>
    <message>
        <source>The feature cache {folder} has no room left within its limit of {limit_gb} GB.</source>
        <translation>Im Merkmalsspeicher {folder} ist innerhalb seiner Grenze von {limit_gb} GB kein Platz mehr.</translation>
    </message>
    <message>
        <source>&apos;Generate&apos; makes room by itself; or clear the cache: &apos;4. Generate&apos;, Details, Storage.</source>
        <translation>„Masken erzeugen“ schafft selbst Platz; oder leeren Sie den Merkmalsspeicher: „4. Erzeugen“, Details, Ablage.</translation>
    </message>
    <message>
        <source>{file}: voxels that are no numbers were read as {value:g} (number of them: {count}).</source>
        <translation>{file}: Voxel, die keine Zahlen sind, wurden als {value:g} gelesen (Anzahl: {count}).</translation>
    </message>
    <message>
        <source>There is not enough memory.</source>
        <translation>Der Arbeitsspeicher reicht nicht aus.</translation>
    </message>
    <message>
        <source>Use a name that ends in .json, .csv or .mrk.json.</source>
        <translation>Verwenden Sie einen Namen, der auf .json, .csv oder .mrk.json endet.</translation>
    </message>
    <message>
        <source>A {suffix} file does not hold everything; left out: {names}.</source>
        <translation>Eine {suffix}-Datei enthält nicht alles; weggelassen: {names}.</translation>
    </message>
    <message>
        <source>The system lets the worker open no more files.</source>
        <translation>Das System lässt den Rechenprozess keine weiteren Dateien öffnen.</translation>
    </message>
    <message>
        <source>Run fewer volumes together, or ask your administrator to raise the limit of open files.</source>
        <translation>Verarbeiten Sie weniger Volumen gemeinsam, oder lassen Sie von der IT die Grenze für offene Dateien anheben.</translation>
    </message>
    <message>
        <source>The feature cache held features of an earlier version, which cannot be used any more; they were removed.</source>
        <translation>Der Merkmalsspeicher enthielt Merkmale einer früheren Version, die nicht mehr verwendet werden können; sie wurden entfernt.</translation>
    </message>
    <message>
        <source>Scans that were encoded before are encoded once more when they are needed.</source>
        <translation>Scans, die früher kodiert wurden, werden bei Bedarf noch einmal kodiert.</translation>
    </message>
    <message>
        <source>The name of {file} has letters that are not UTF-8.</source>
        <translation>Der Name von {file} enthält Zeichen, die kein UTF-8 sind.</translation>
    </message>
    <message>
        <source>Rename the file or its folder.</source>
        <translation>Benennen Sie die Datei oder ihren Ordner um.</translation>
    </message>
    <message>
        <source>{file} is not a file of a volume.</source>
        <translation>{file} ist keine Datei mit einem Volumen.</translation>
    </message>
    <message>
        <source>A volume cannot be read: {english}</source>
        <translation>Ein Volumen kann nicht gelesen werden: {english}</translation>
    </message>
    <message>
        <source>{file} is not complete.</source>
        <translation>{file} ist nicht vollständig.</translation>
    </message>
    <message>
        <source>The voxels of {file} are in {missing}, which is not there.</source>
        <translation>Die Voxel von {file} liegen in {missing}, das es nicht gibt.</translation>
    </message>
    <message>
        <source>Put it beside the file.</source>
        <translation>Legen Sie es neben die Datei.</translation>
    </message>
    <message>
        <source>The header of a volume is wrong: {english}</source>
        <translation>Der Kopf eines Volumens ist falsch: {english}</translation>
    </message>
    <message>
        <source>{file} has no usable geometry.</source>
        <translation>{file} hat keine brauchbare Geometrie.</translation>
    </message>
    <message>
        <source>{file} has one dimension; a scan has three.</source>
        <translation>{file} hat eine Dimension; eine Aufnahme hat drei.</translation>
    </message>
    <message>
        <source>{file} holds no voxels.</source>
        <translation>{file} enthält keine Voxel.</translation>
    </message>
    <message>
        <source>{file} has more than three dimensions.</source>
        <translation>{file} hat mehr als drei Dimensionen.</translation>
    </message>
    <message>
        <source>Export the one time point, echo or layer that you want as a volume of its own.</source>
        <translation>Exportieren Sie den gewünschten Zeitpunkt, das Echo oder die Lage als eigenes Volumen.</translation>
    </message>
    <message>
        <source>{file} has {components} numbers a voxel.</source>
        <translation>{file} hat {components} Zahlen je Voxel.</translation>
    </message>
    <message>
        <source>Use one component, or a grey-scale volume.</source>
        <translation>Verwenden Sie eine Komponente oder ein Graustufenvolumen.</translation>
    </message>
    <message>
        <source>{file} holds complex numbers.</source>
        <translation>{file} enthält komplexe Zahlen.</translation>
    </message>
    <message>
        <source>Use the magnitude image.</source>
        <translation>Verwenden Sie das Betragsbild.</translation>
    </message>
    <message>
        <source>{file} is a segmentation, not a scan.</source>
        <translation>{file} ist eine Segmentierung, keine Aufnahme.</translation>
    </message>
    <message>
        <source>{file} is empty: all its voxels are {value:g}.</source>
        <translation>{file} ist leer: Alle Voxel sind {value:g}.</translation>
    </message>
    <message>
        <source>{file} holds no number at all, only NaN or infinity.</source>
        <translation>{file} enthält keine einzige Zahl, nur NaN oder Unendlich.</translation>
    </message>
    <message>
        <source>{file} has {voxels} voxels, which are too many.</source>
        <translation>{file} hat {voxels} Voxel, das sind zu viele.</translation>
    </message>
    <message>
        <source>Crop or resample it.</source>
        <translation>Schneiden Sie es zu, oder tasten Sie es neu ab.</translation>
    </message>
    <message>
        <source>There is not enough memory for {file}.</source>
        <translation>Für {file} reicht der Arbeitsspeicher nicht aus.</translation>
    </message>
    <message>
        <source>{file} holds values that are no label values.</source>
        <translation>{file} enthält Werte, die keine Labelwerte sind.</translation>
    </message>
    <message>
        <source>A label map holds whole numbers from 0 to 65535.</source>
        <translation>Eine Labelkarte enthält ganze Zahlen von 0 bis 65535.</translation>
    </message>
    <message>
        <source>Results there mean nothing.</source>
        <translation>Ergebnisse dort bedeuten nichts.</translation>
    </message>
    <message>
        <source>{file}: whole numbers up to {largest} were rounded to seven digits.</source>
        <translation>{file}: Ganze Zahlen bis {largest} wurden auf sieben Stellen gerundet.</translation>
    </message>
    <message>
        <source>If the last digits matter, save it with voxels of 32 bits.</source>
        <translation>Wenn es auf die letzten Stellen ankommt, speichern Sie es mit Voxeln von 32 Bit.</translation>
    </message>
    <message>
        <source>{file}: the distance of its voxels is unusual for a scan ({spacing_mm} mm).</source>
        <translation>{file}: Der Voxelabstand ist für eine Aufnahme ungewöhnlich ({spacing_mm} mm).</translation>
    </message>
    <message>
        <source>{file}: it gives no spacing, which was read as 1 mm, as Slicer does.</source>
        <translation>{file}: Der Voxelabstand fehlt und wurde als 1 mm gelesen, wie Slicer es tut.</translation>
    </message>
    <message>
        <source>{file}: its lengths are in {units}; they were read as mm, as Slicer does.</source>
        <translation>{file}: Die Längen sind in {units} angegeben; sie wurden als mm gelesen, wie Slicer es tut.</translation>
    </message>
    <message>
        <source>{file}: its axes are not of length 1.</source>
        <translation>{file}: Die Achsen haben nicht die Länge 1.</translation>
    </message>
    <message>
        <source>{file}: an axis is said to be {kinds}; it was read as an axis in space, as Slicer does.</source>
        <translation>{file}: Eine Achse ist als {kinds} bezeichnet; sie wurde als räumliche Achse gelesen, wie Slicer es tut.</translation>
    </message>
    <message>
        <source>If it is a series in time, export one volume.</source>
        <translation>Wenn es eine Zeitreihe ist, exportieren Sie ein Volumen.</translation>
    </message>
    <message>
        <source>{file}: its axes are {degrees:.2g} degrees off right angles, as by a tilted gantry.</source>
        <translation>{file}: Die Achsen weichen um {degrees:.2g} Grad vom rechten Winkel ab, wie bei geneigter Gantry.</translation>
    </message>
    <message>
        <source>Slicer cannot load its masks as NIfTI: save them as .seg.nrrd or .nrrd.</source>
        <translation>Slicer kann solche Masken nicht als NIfTI laden: Speichern Sie sie als .seg.nrrd oder .nrrd.</translation>
    </message>
    <message>
        <source>{file}: its place or its directions are missing; it was placed as Slicer does.</source>
        <translation>{file}: Lage oder Richtungen fehlen; es wurde gelegt, wie Slicer es tut.</translation>
    </message>
    <message>
        <source>Left and right may be exchanged. Export it again from its source.</source>
        <translation>Links und rechts können vertauscht sein. Exportieren Sie es erneut aus seiner Quelle.</translation>
    </message>
    <message>
        <source>{file}: its header does not say where left and front are; it was read as Slicer does.</source>
        <translation>{file}: Der Kopf sagt nicht, wo links und vorn ist; es wurde gelesen, wie Slicer es tut.</translation>
    </message>
    <message>
        <source>{file}: its values stand for {old_min} to {old_max}; they were read as stored, as Slicer does.</source>
        <translation>{file}: Die Werte stehen für {old_min} bis {old_max}; sie wurden wie gespeichert gelesen, wie Slicer es tut.</translation>
    </message>
    <message>
        <source>If the true values matter, export it again with them.</source>
        <translation>Wenn es auf die wahren Werte ankommt, exportieren Sie es erneut mit ihnen.</translation>
    </message>
    <message>
        <source>{file}: it goes on after its last voxel; the rest was left out.</source>
        <translation>{file}: Nach dem letzten Voxel folgt noch etwas; der Rest wurde weggelassen.</translation>
    </message>
    <message>
        <source>If slices are missing or the picture is noise, its header is wrong: export it again.</source>
        <translation>Fehlen Schichten oder ist das Bild nur Rauschen, ist der Kopf falsch: Exportieren Sie es erneut.</translation>
    </message>
    <message>
        <source>Slicer shows other values than were read: {english}</source>
        <translation>Slicer zeigt andere Werte, als gelesen wurden: {english}</translation>
    </message>
    <message>
        <source>{file}: the library that read it says: {said}</source>
        <translation>{file}: Die Bibliothek, die es gelesen hat, meldet: {said}</translation>
    </message>
    <message>
        <source>Choose a folder that you may write to and that has free space.</source>
        <translation>Wählen Sie einen Ordner, in den Sie schreiben dürfen und in dem genug Platz ist.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; is tagged in two slice directions.</source>
        <translation>„{name}“ ist in zwei Schichtrichtungen markiert.</translation>
    </message>
    <message>
        <source>The tags of &apos;{name}&apos; are for another number of slices: {tagged}, not {count}.</source>
        <translation>Die Markierungen von „{name}“ gelten für eine andere Zahl von Schichten: {tagged}, nicht {count}.</translation>
    </message>
    <message>
        <source>Make room on this drive, or choose other folders: &apos;4. Generate&apos;, Details, Storage.</source>
        <translation>Schaffen Sie Platz auf diesem Laufwerk, oder wählen Sie andere Ordner: „4. Erzeugen“, Details, Ablage.</translation>
    </message>
    <message>
        <source>Choose the CPU as device (Details), or try again.</source>
        <translation>Wählen Sie die CPU als Gerät (Details), oder versuchen Sie es erneut.</translation>
    </message>
    <message>
        <source>{folder} holds no trained model.</source>
        <translation>{folder} enthält kein trainiertes Modell.</translation>
    </message>
    <message>
        <source>Choose the model of a finished run.</source>
        <translation>Wählen Sie das Modell eines abgeschlossenen Laufs.</translation>
    </message>
    <message>
        <source>{folder} cannot be used as a model ({reason}).</source>
        <translation>{folder} kann nicht als Modell verwendet werden ({reason}).</translation>
    </message>
    <message>
        <source>The model does not fit this run: {english}</source>
        <translation>Das Modell passt nicht zu diesem Lauf: {english}</translation>
    </message>
    <message>
        <source>Use the classes, the preset and the network that it was trained with.</source>
        <translation>Verwenden Sie Klassen, Voreinstellung und Netz, mit denen es trainiert wurde.</translation>
    </message>
    <message>
        <source>What was trained of the encoder does not fit this network.</source>
        <translation>Was vom Encoder trainiert wurde, passt nicht zu diesem Netz.</translation>
    </message>
    <message>
        <source>Use the network that it was trained with.</source>
        <translation>Verwenden Sie das Netz, mit dem es trainiert wurde.</translation>
    </message>
    <message>
        <source>The weights of {name} are missing (the file {file}).</source>
        <translation>Die Gewichte von {name} fehlen (die Datei {file}).</translation>
    </message>
    <message>
        <source>{file} is not the right file of weights, or is damaged.</source>
        <translation>{file} ist nicht die richtige Datei mit Gewichten oder ist beschädigt.</translation>
    </message>
    <message>
        <source>Nothing is known by which {file} could be checked.</source>
        <translation>Es ist nichts bekannt, woran {file} geprüft werden könnte.</translation>
    </message>
    <message>
        <source>{file} holds more than weights, or cannot be read, and is not used.</source>
        <translation>{file} enthält mehr als Gewichte oder ist nicht lesbar und wird nicht verwendet.</translation>
    </message>
    <message>
        <source>The weights in {file} cannot be read.</source>
        <translation>Die Gewichte in {file} können nicht gelesen werden.</translation>
    </message>
    <message>
        <source>The weights do not fit the network {name}.</source>
        <translation>Die Gewichte passen nicht zum Netz {name}.</translation>
    </message>
    <message>
        <source>Another process holds the feature cache {folder}.</source>
        <translation>Ein anderer Prozess hält den Merkmalsspeicher {folder} besetzt.</translation>
    </message>
    <message>
        <source>What was just written to the feature cache {folder} cannot be read back.</source>
        <translation>Was eben in den Merkmalsspeicher {folder} geschrieben wurde, lässt sich nicht lesen.</translation>
    </message>
    <message>
        <source>This run needs more room than the feature cache may take; a part is removed after it.</source>
        <translation>Dieser Lauf benötigt mehr Platz, als der Merkmalsspeicher einnehmen darf; ein Teil wird danach entfernt.</translation>
    </message>
    <message>
        <source>The next run on these volumes takes longer.</source>
        <translation>Der nächste Lauf mit diesen Volumina dauert länger.</translation>
    </message>
    <message>
        <source>A volume changed after the run was begun.</source>
        <translation>Ein Volumen hat sich nach Beginn des Laufs geändert.</translation>
    </message>
    <message>
        <source>Generate the masks again.</source>
        <translation>Erzeugen Sie die Masken neu.</translation>
    </message>
    <message>
        <source>Not installed: {names}.</source>
        <translation>Nicht installiert: {names}.</translation>
    </message>
    <message>
        <source>PyTorch is installed, but cannot be loaded: {reason}</source>
        <translation>PyTorch ist installiert, kann aber nicht geladen werden: {reason}</translation>
    </message>
    <message>
        <source>The program failed unexpectedly ({reason}).</source>
        <translation>Das Programm ist unerwartet gescheitert ({reason}).</translation>
    </message>
    <message>
        <source>Please report it with the file {log}.</source>
        <translation>Bitte melden Sie es mit der Datei {log}.</translation>
    </message>
    <message>
        <source>A stage of the run did not end in numbers; its output is not kept.</source>
        <translation>Eine Stufe des Laufs endete nicht in Zahlen; ihr Ergebnis wird nicht behalten.</translation>
    </message>
    <message>
        <source>Run it again; if it happens again, set the range of grey values by hand, and look for damaged volumes.</source>
        <translation>Starten Sie den Lauf erneut; geschieht es wieder, geben Sie den Grauwertbereich von Hand vor, und suchen Sie nach beschädigten Volumina.</translation>
    </message>
    <message>
        <source>No slice is tagged for every class, so that the network has nothing to learn from.</source>
        <translation>Keine Schicht ist für jede Klasse markiert, sodass das Netz nichts zu lernen hat.</translation>
    </message>
    <message>
        <source>Tag more slices.</source>
        <translation>Markieren Sie mehr Schichten.</translation>
    </message>
    <message>
        <source>The mask decoder draws no first mask alike twice: it is used as it is.</source>
        <translation>Der Maskendecoder zeichnet keine erste Maske zweimal gleich: Er wird verwendet, wie er ist.</translation>
    </message>
    <message>
        <source>Tag more volumes.</source>
        <translation>Markieren Sie mehr Volumina.</translation>
    </message>
    <message>
        <source>The network &apos;{name}&apos; was not trained to answer &apos;{asked}&apos;.</source>
        <translation>Das Netz „{name}“ wurde nicht darauf trainiert, auf „{asked}“ zu antworten.</translation>
    </message>
    <message>
        <source>Tag more volumes, eight or more if you can.</source>
        <translation>Markieren Sie mehr Volumina, wenn möglich acht oder mehr.</translation>
    </message>
    <message>
        <source>Tag slices of this volume on which the class is absent.</source>
        <translation>Markieren Sie Schichten dieses Volumens, in denen die Klasse nicht vorhanden ist.</translation>
    </message>
    <message>
        <source>Check the slices with the lowest confidence, and correct them in the Segment Editor.</source>
        <translation>Prüfen Sie die Schichten mit der geringsten Sicherheit, und korrigieren Sie sie im Segment Editor.</translation>
    </message>
</context>
<context>
    <name>base.folders</name>
    <message>
        <source>{folder} is not a run folder of WeakMedSAM.</source>
        <translation>{folder} ist kein Laufordner von WeakMedSAM.</translation>
    </message>
    <message>
        <source>Nothing was deleted.</source>
        <translation>Es wurde nichts gelöscht.</translation>
    </message>
    <message>
        <source>nothing</source>
        <translation>nichts</translation>
    </message>
    <message>
        <source>{count} kB</source>
        <translation>{count} kB</translation>
    </message>
    <message>
        <source>{count} MB</source>
        <translation>{count} MB</translation>
    </message>
    <message>
        <source>{count} GB</source>
        <translation>{count} GB</translation>
    </message>
    <message>
        <source>Cannot delete {file}: {reason}.</source>
        <translation>{file} kann nicht gelöscht werden: {reason}.</translation>
    </message>
    <message>
        <source>Close programs that use it, then try again.</source>
        <translation>Schließen Sie Programme, die die Datei verwenden, und versuchen Sie es dann erneut.</translation>
    </message>
</context>
<context>
    <name>base.label_texts</name>
    <message>
        <source>Correct what is known of one of them (&apos;Classes&apos;).</source>
        <translation>Berichtigen Sie, was über eine der beiden bekannt ist (&apos;Klassen&apos;).</translation>
    </message>
    <message>
        <source>The later file counts.</source>
        <translation>Es gilt die spätere Datei.</translation>
    </message>
    <message>
        <source>Load the scan, and import the files one after the other.</source>
        <translation>Laden Sie die Aufnahme, und importieren Sie die Dateien nacheinander.</translation>
    </message>
    <message>
        <source>The mask of &apos;{class}&apos; has {ml} ml, less than the {limit} ml that the class has at least.</source>
        <translation>Die Maske von „{class}“ hat {ml} ml, weniger als die {limit} ml, die die Klasse mindestens hat.</translation>
    </message>
    <message>
        <source>The mask of &apos;{class}&apos; has {ml} ml, more than the {limit} ml that the class has at most.</source>
        <translation>Die Maske von „{class}“ hat {ml} ml, mehr als die {limit} ml, die die Klasse höchstens hat.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos;: a label of &apos;{class}&apos; (kind: {kind}) lies outside of the volume, at voxel {voxel}.</source>
        <translation>&apos;{name}&apos;: eine Angabe zu &apos;{class}&apos; (Art: {kind}) liegt außerhalb des Volumens, bei Voxel {voxel}.</translation>
    </message>
    <message>
        <source>Make sure that it is the volume that was labelled.</source>
        <translation>Prüfen Sie, ob es das Volumen ist, das markiert wurde.</translation>
    </message>
    <message>
        <source>The labels of &apos;{name}&apos; are for a volume of {labelled} voxels; it has {size}.</source>
        <translation>Die Angaben zu &apos;{name}&apos; sind für ein Volumen von {labelled} Voxeln; es hat {size}.</translation>
    </message>
    <message>
        <source>A box of &apos;{class}&apos; ends before it starts: {first} to {last}.</source>
        <translation>Ein Kasten von &apos;{class}&apos; endet, bevor er beginnt: {first} bis {last}.</translation>
    </message>
    <message>
        <source>Correct the file.</source>
        <translation>Berichtigen Sie die Datei.</translation>
    </message>
    <message>
        <source>Tagged on no slice, only said to be in some volumes: {names}.</source>
        <translation>In keiner Schicht markiert, nur von einigen Volumen gesagt: {names}.</translation>
    </message>
    <message>
        <source>Masks get far better with slices of some volumes tagged.</source>
        <translation>Mit markierten Schichten einiger Volumen werden Masken viel besser.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; is said to show &apos;{class}&apos;, but each slice is tagged absent.</source>
        <translation>„{name}“ zeigt angeblich „{class}“, aber jede Schicht ist als nicht vorhanden markiert.</translation>
    </message>
    <message>
        <source>The slices count. Correct the one that is wrong.</source>
        <translation>Es gelten die Schichten. Berichtigen Sie, was falsch ist.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos;: points at voxel {voxel} say that &apos;{class}&apos; is there, and that it is not.</source>
        <translation>&apos;{name}&apos;: Punkte bei Voxel {voxel} sagen, dass &apos;{class}&apos; dort ist, und dass es nicht dort ist.</translation>
    </message>
    <message>
        <source>The later one counts; remove the one that is wrong.</source>
        <translation>Der spätere gilt; entfernen Sie den falschen.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos;: points at voxel {voxel} say that it shows &apos;{first}&apos;, and &apos;{second}&apos;; these exclude each other.</source>
        <translation>&apos;{name}&apos;: Punkte am Voxel {voxel} sagen, dass er &apos;{first}&apos; zeigt und &apos;{second}&apos;; diese schließen einander aus.</translation>
    </message>
    <message>
        <source>Remove the one that is wrong.</source>
        <translation>Entfernen Sie den falschen.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos;, slice {slice}: a point of &apos;{class}&apos; lies outside of the boxes that are said to hold all of it.</source>
        <translation>&apos;{name}&apos;, Schicht {slice}: Ein Punkt von &apos;{class}&apos; liegt außerhalb der Kästen, die alles davon enthalten sollen.</translation>
    </message>
    <message>
        <source>The point counts; remove it, or add a box around what it shows.</source>
        <translation>Der Punkt gilt; entfernen Sie ihn, oder setzen Sie einen Kasten um das, was er zeigt.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos;, slice {slice}: &apos;{class}&apos; is said to lie on the patient&apos;s {side}, but a {kind} of it does not.</source>
        <translation>&apos;{name}&apos;, Schicht {slice}: &apos;{class}&apos; soll auf dieser Seite des Patienten liegen ({side}), eine Angabe davon ({kind}) aber nicht.</translation>
    </message>
    <message>
        <source>Left and right are the patient&apos;s. Remove what is wrong, or say nothing of the side (&apos;Classes&apos;).</source>
        <translation>Links und rechts sind die des Patienten. Entfernen Sie, was falsch ist, oder geben Sie keine Seite an (&apos;Klassen&apos;).</translation>
    </message>
    <message>
        <source>&apos;{name}&apos;, slices {slices}: the same pixels are painted as &apos;{first}&apos; and as &apos;{second}&apos;.</source>
        <translation>&apos;{name}&apos;, Schichten {slices}: dieselben Pixel sind als &apos;{first}&apos; und als &apos;{second}&apos; gezeichnet.</translation>
    </message>
    <message>
        <source>These classes exclude each other: correct one of them.</source>
        <translation>Diese Klassen schließen einander aus: Berichtigen Sie eine davon.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos;, slice {slice}: a point of &apos;{class}&apos; at voxel {voxel} differs from what is painted there.</source>
        <translation>&apos;{name}&apos;, Schicht {slice}: Ein Punkt von &apos;{class}&apos; am Voxel {voxel} widerspricht dem, was dort gezeichnet ist.</translation>
    </message>
    <message>
        <source>What is painted counts; remove the point, or correct the slice.</source>
        <translation>Es gilt, was gezeichnet ist; entfernen Sie den Punkt, oder berichtigen Sie die Schicht.</translation>
    </message>
    <message>
        <source>{file} is missing: it holds the painted pixels of {labels}.</source>
        <translation>{file} fehlt: Darin liegen die gezeichneten Pixel von {labels}.</translation>
    </message>
    <message>
        <source>Copy the folder &apos;labels&apos; along with the label file.</source>
        <translation>Kopieren Sie den Ordner &apos;labels&apos; zusammen mit der Datei der Markierungen.</translation>
    </message>
    <message>
        <source>{file} is not the file that {labels} was written with.</source>
        <translation>{file} ist nicht die Datei, mit der {labels} geschrieben wurde.</translation>
    </message>
    <message>
        <source>Copy both from one place.</source>
        <translation>Kopieren Sie beide von derselben Stelle.</translation>
    </message>
    <message>
        <source>{file} cannot be used as painted labels: {reason}.</source>
        <translation>{file} kann nicht als gezeichnete Markierungen verwendet werden: {reason}.</translation>
    </message>
    <message>
        <source>Export the labels again from where they were painted.</source>
        <translation>Exportieren Sie die Markierungen erneut von dort, wo sie gezeichnet wurden.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; is said to be inside of &apos;{outer}&apos;, which is no class.</source>
        <translation>&apos;{name}&apos; soll in &apos;{outer}&apos; liegen, das keine Klasse ist.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; is said to be inside of &apos;{outer}&apos;, and that inside of &apos;{name}&apos;.</source>
        <translation>&apos;{name}&apos; soll in &apos;{outer}&apos; liegen, und dieses in &apos;{name}&apos;.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; is said to be inside of &apos;{outer}&apos;, but does not fit into it.</source>
        <translation>&apos;{name}&apos; soll in &apos;{outer}&apos; liegen, passt aber nicht hinein.</translation>
    </message>
    <message>
        <source>The Markups file cannot be used: {english}</source>
        <translation>Die Markups-Datei kann nicht verwendet werden: {english}</translation>
    </message>
    <message>
        <source>Save point lists and ROIs with the module Markups.</source>
        <translation>Speichern Sie Punktlisten und ROIs mit dem Modul Markups.</translation>
    </message>
    <message>
        <source>Markups of the type {type} say nothing here.</source>
        <translation>Markups der Art {type} sagen hier nichts.</translation>
    </message>
    <message>
        <source>Save point lists and ROIs (boxes) alone.</source>
        <translation>Speichern Sie nur Punktlisten und ROIs (Kästen).</translation>
    </message>
    <message>
        <source>A box of &apos;{class}&apos; is not parallel to the axes of &apos;{name}&apos;.</source>
        <translation>Ein Kasten von &apos;{class}&apos; ist nicht parallel zu den Achsen von &apos;{name}&apos;.</translation>
    </message>
    <message>
        <source>Draw it anew along the slices, or turn it in the module Markups until it is.</source>
        <translation>Zeichnen Sie ihn neu entlang der Schichten, oder drehen Sie ihn im Modul Markups, bis er es ist.</translation>
    </message>
    <message>
        <source>The axes of &apos;{name}&apos; are not at right angles, so that no box follows its slices.</source>
        <translation>Die Achsen von &apos;{name}&apos; stehen nicht senkrecht aufeinander, so dass kein Kasten seinen Schichten folgt.</translation>
    </message>
    <message>
        <source>Use points.</source>
        <translation>Verwenden Sie Punkte.</translation>
    </message>
    <message>
        <source>{file} holds positions in the patient; which voxels these are, its volume alone says.</source>
        <translation>{file} enthält Orte im Patienten; welche Voxel das sind, sagt nur das Volumen dazu.</translation>
    </message>
    <message>
        <source>Make a .json file of it: &apos;weakmedsam tags convert&apos; at the command line, with its scan.</source>
        <translation>Machen Sie daraus eine .json-Datei: &apos;weakmedsam tags convert&apos; auf der Kommandozeile, mit ihrer Aufnahme.</translation>
    </message>
    <message>
        <source>In a Markups file &apos;{name}&apos; would be read as what is said of another class.</source>
        <translation>In einer Markups-Datei würde &apos;{name}&apos; als Angabe zu einer anderen Klasse gelesen.</translation>
    </message>
    <message>
        <source>Rename the class: its name must not begin with &apos;not&apos; or &apos;all of&apos;.</source>
        <translation>Benennen Sie die Klasse um: Ihr Name darf nicht mit &apos;not&apos; oder &apos;all of&apos; beginnen.</translation>
    </message>
    <message>
        <source>A file of Markups holds labels of one volume; left out are those of: {names}.</source>
        <translation>Eine Markups-Datei enthält die Markierungen eines Volumens; weggelassen sind die von: {names}.</translation>
    </message>
    <message>
        <source>Write a file for each volume, or one that ends in .json.</source>
        <translation>Schreiben Sie für jedes Volumen eine Datei, oder eine, die auf .json endet.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos;: two files tag &apos;{class}&apos; in two ways on slices {slices}.</source>
        <translation>&apos;{name}&apos;: Zwei Dateien markieren &apos;{class}&apos; in den Schichten {slices} verschieden.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos;: &apos;{class}&apos; is shown on slices {slices}, and nowhere else than on others by a later file.</source>
        <translation>&apos;{name}&apos;: &apos;{class}&apos; ist auf den Schichten {slices} zu sehen, nach einer späteren Datei nirgends als auf anderen.</translation>
    </message>
    <message>
        <source>What is said of a slice counts. Tag these absent if they do not show it.</source>
        <translation>Es gilt, was von einer Schicht gesagt ist. Markieren Sie diese als nicht vorhanden, wenn sie sie nicht zeigen.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos;: two files say different things of the same places ({count}).</source>
        <translation>&apos;{name}&apos;: Zwei Dateien sagen von denselben Stellen Verschiedenes ({count}).</translation>
    </message>
    <message>
        <source>There are labels of two volumes called &apos;{name}&apos;, with other voxels; they are kept apart.</source>
        <translation>Es gibt Angaben zu zwei Volumina namens &apos;{name}&apos; mit verschiedenen Voxeln; sie bleiben getrennt.</translation>
    </message>
    <message>
        <source>Two files count the slices of &apos;{name}&apos; in two ways.</source>
        <translation>Zwei Dateien zählen die Schichten von &apos;{name}&apos; verschieden.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; has two label values: {first} and {later}.</source>
        <translation>&apos;{name}&apos; hat zwei Labelwerte: {first} und {later}.</translation>
    </message>
    <message>
        <source>The first one counts.</source>
        <translation>Der erste gilt.</translation>
    </message>
    <message>
        <source>What is known of &apos;{name}&apos; differs: {names}.</source>
        <translation>Was über &apos;{name}&apos; bekannt ist, unterscheidet sich: {names}.</translation>
    </message>
    <message>
        <source>what is drawn</source>
        <translation>Gezeichnetes</translation>
    </message>
    <message>
        <source>points</source>
        <translation>Punkte</translation>
    </message>
    <message>
        <source>boxes</source>
        <translation>Boxen</translation>
    </message>
    <message>
        <source>tags of slices</source>
        <translation>Markierungen von Schichten</translation>
    </message>
    <message>
        <source>tags of scans</source>
        <translation>Markierungen von Scans</translation>
    </message>
    <message>
        <source>point</source>
        <translation>Punkt</translation>
    </message>
    <message>
        <source>box</source>
        <translation>Box</translation>
    </message>
    <message>
        <source>left</source>
        <translation>links</translation>
    </message>
    <message>
        <source>right</source>
        <translation>rechts</translation>
    </message>
    <message>
        <source>front</source>
        <translation>vorne</translation>
    </message>
    <message>
        <source>back</source>
        <translation>hinten</translation>
    </message>
</context>
<context>
    <name>correcting.correct_part</name>
    <message>
        <source>{count} to update</source>
        <translation>{count} zu aktualisieren</translation>
    </message>
    <message>
        <source>scribbling</source>
        <translation>Striche</translation>
    </message>
    <message>
        <source>correcting</source>
        <translation>Korrigieren</translation>
    </message>
    <message>
        <source>Undone: {text}</source>
        <translation>Rückgängig gemacht: {text}</translation>
    </message>
    <message>
        <source>There is nothing to undo.</source>
        <translation>Es gibt nichts rückgängig zu machen.</translation>
    </message>
    <message>
        <source>Redone: {text}</source>
        <translation>Wiederhergestellt: {text}</translation>
    </message>
    <message>
        <source>There is nothing to redo.</source>
        <translation>Es gibt nichts wiederherzustellen.</translation>
    </message>
    <message>
        <source>Draw on the masks here, with the tools of the Segment Editor; press it again to leave</source>
        <translation>Hier in die Masken zeichnen, mit den Werkzeugen des Segment Editor; noch einmal drücken, um aufzuhören</translation>
    </message>
    <message>
        <source>Draw on slices before there are masks: Generate learns from it; press it again to leave</source>
        <translation>Auf Schichten zeichnen, bevor es Masken gibt: „Masken erzeugen“ lernt daraus; zum Beenden noch einmal drücken</translation>
    </message>
    <message>
        <source>Scribbles are not kept for these masks.</source>
        <translation>Striche zu diesen Masken werden nicht behalten.</translation>
    </message>
    <message>
        <source>Nothing is kept of corrections for these masks.</source>
        <translation>Korrekturen dieser Masken werden nicht behalten.</translation>
    </message>
    <message>
        <source>Give slices back to the machine ({key}: this one): its masks are put in place of yours</source>
        <translation>Schichten an die Maschine zurückgeben ({key}: diese): Ihre Masken werden durch deren ersetzt</translation>
    </message>
    <message>
        <source>Take back what you drew on slices ({key}: on this one)</source>
        <translation>Zurücknehmen, was Sie auf Schichten gezeichnet haben ({key}: auf dieser)</translation>
    </message>
    <message>
        <source>Go to the next slice that is not fine ({key})</source>
        <translation>Zur nächsten Schicht gehen, die noch nicht gut ist ({key})</translation>
    </message>
    <message>
        <source>A run is under way.</source>
        <translation>Ein Lauf ist im Gange.</translation>
    </message>
    <message>
        <source>before the last update</source>
        <translation>vor der letzten Aktualisierung</translation>
    </message>
    <message>
        <source>generated</source>
        <translation>erzeugt</translation>
    </message>
    <message>
        <source>The masks as {when}, for as long as this or {key} is held</source>
        <translation>Die Masken wie {when}, solange dies oder {key} gehalten wird</translation>
    </message>
    <message>
        <source>The masks as generated are gone with their run folder.</source>
        <translation>Die Masken, wie sie erzeugt wurden, sind mit ihrem Laufordner verschwunden.</translation>
    </message>
</context>
<context>
    <name>correcting.drawn_on</name>
    <message>
        <source>There are no masks.</source>
        <translation>Es gibt keine Masken.</translation>
    </message>
    <message>
        <source>Load the masks into the scene first.</source>
        <translation>Laden Sie zuerst die Masken in die Szene.</translation>
    </message>
    <message>
        <source>The volume of this mask is not in the scene.</source>
        <translation>Das Volumen dieser Maske ist nicht in der Szene.</translation>
    </message>
    <message>
        <source>Choose a mask first.</source>
        <translation>Wählen Sie zuerst eine Maske.</translation>
    </message>
    <message>
        <source>Paint a few strokes where the class is, or all of it</source>
        <translation>Ein paar Striche malen, wo die Klasse ist, oder sie ganz ausmalen</translation>
    </message>
    <message>
        <source>Paint a few strokes where the class is not</source>
        <translation>Ein paar Striche malen, wo die Klasse nicht ist</translation>
    </message>
    <message>
        <source>Paint a few strokes where the class is; its outline is not needed. Press it again to draw on masks.</source>
        <translation>Ein paar Striche malen, wo die Klasse ist; ihr Umriss ist nicht nötig. Noch einmal drücken, um wieder in Masken zu zeichnen.</translation>
    </message>
    <message>
        <source>Paint a few strokes where the class is not. Press it again to draw on masks.</source>
        <translation>Ein paar Striche malen, wo die Klasse nicht ist. Noch einmal drücken, um wieder in Masken zu zeichnen.</translation>
    </message>
</context>
<context>
    <name>correcting.give_back</name>
    <message>
        <source>This slice</source>
        <translation>Diese Schicht</translation>
    </message>
    <message>
        <source>Some slices...</source>
        <translation>Einige Schichten...</translation>
    </message>
    <message>
        <source>All slices of this class</source>
        <translation>Alle Schichten dieser Klasse</translation>
    </message>
    <message>
        <source>All slices of all classes</source>
        <translation>Alle Schichten aller Klassen</translation>
    </message>
    <message>
        <source>Slice {index}</source>
        <translation>Schicht {index}</translation>
    </message>
    <message>
        <source>All slices of {name} ({count})</source>
        <translation>Alle Schichten von {name} ({count})</translation>
    </message>
    <message>
        <source>No view shows a slice.</source>
        <translation>Keine Ansicht zeigt eine Schicht.</translation>
    </message>
    <message>
        <source>Nothing of this class was corrected.</source>
        <translation>An dieser Klasse wurde nichts korrigiert.</translation>
    </message>
    <message>
        <source>The machine&apos;s mask is put in place of yours, which teaches nothing any more; Undo takes that back</source>
        <translation>Die Maske der Maschine tritt an die Stelle Ihrer Maske, die dann nichts mehr lehrt; „Rückgängig“ nimmt das zurück</translation>
    </message>
    <message>
        <source>Slices of {name} to give back, such as 12-20:</source>
        <translation>Schichten von {name}, die zurückgegeben werden, etwa 12-20:</translation>
    </message>
    <message>
        <source>Give back</source>
        <translation>Zurückgeben</translation>
    </message>
    <message>
        <source>&apos;{text}&apos; is no range of slices.</source>
        <translation>„{text}“ ist kein Bereich von Schichten.</translation>
    </message>
    <message>
        <source>Write it as 12-20, or as 12.</source>
        <translation>Schreiben Sie 12-20 oder 12.</translation>
    </message>
</context>
<context>
    <name>correcting.hints</name>
    <message>
        <source>{volume} scribbles</source>
        <translation>{volume} Striche</translation>
    </message>
    <message>
        <source>not {name}</source>
        <translation>nicht {name}</translation>
    </message>
</context>
<context>
    <name>correcting.scribble_answers</name>
    <message>
        <source>The model is asked about these scribbles ...</source>
        <translation>Das Modell wird nach diesen Strichen gefragt ...</translation>
    </message>
    <message>
        <source>No outline: {reason}</source>
        <translation>Kein Umriss: {reason}</translation>
    </message>
    <message>
        <source>The model&apos;s outline on slice {index}: Enter takes it as drawn, Esc leaves it.</source>
        <translation>Der Umriss des Modells auf Schicht {index}: Eingabe nimmt ihn als gezeichnet, Esc lässt ihn.</translation>
    </message>
</context>
<context>
    <name>correcting.slice_states</name>
    <message>
        <source>{sign} mask: {state}</source>
        <translation>{sign} Maske: {state}</translation>
    </message>
    <message>
        <source>nothing drawn</source>
        <translation>nichts gezeichnet</translation>
    </message>
    <message>
        <source>Slice {index}, {name}: {state}</source>
        <translation>Schicht {index}, {name}: {state}</translation>
    </message>
    <message>
        <source>The masks of this slice are right as they are ({key}): {names}</source>
        <translation>Die Masken dieser Schicht stimmen, wie sie sind ({key}): {names}</translation>
    </message>
    <message>
        <source>What you painted is all that this slice shows ({key}): {names}</source>
        <translation>Was Sie gemalt haben, ist alles, was diese Schicht zeigt ({key}): {names}</translation>
    </message>
    <message>
        <source>They are right</source>
        <translation>Sie stimmen</translation>
    </message>
    <message>
        <source>That is all of it</source>
        <translation>Das ist alles davon</translation>
    </message>
</context>
<context>
    <name>correcting.state_words</name>
    <message>
        <source>machine</source>
        <translation>Maschine</translation>
    </message>
    <message>
        <source>fine</source>
        <translation>gut</translation>
    </message>
    <message>
        <source>touched</source>
        <translation>berührt</translation>
    </message>
    <message>
        <source>drawn</source>
        <translation>gezeichnet</translation>
    </message>
    <message>
        <source>As the machine drew it: the next update may draw it otherwise.</source>
        <translation>Wie die Maschine sie gezeichnet hat: Die nächste Aktualisierung kann sie anders zeichnen.</translation>
    </message>
    <message>
        <source>You called it fine: it stays, and the other slices learn from it.</source>
        <translation>Sie haben sie gut genannt: Sie bleibt, und die anderen Schichten lernen daraus.</translation>
    </message>
    <message>
        <source>An edit of another slice changed it, or it has scribbles: these pixels alone count, until you press &apos;They are right&apos;.</source>
        <translation>Eine Bearbeitung einer anderen Schicht hat sie verändert, oder sie hat Striche: Nur diese Pixel zählen, bis Sie „Sie stimmen“ drücken.</translation>
    </message>
    <message>
        <source>You drew it: it stays exactly so, and the other slices learn from it.</source>
        <translation>Sie haben sie gezeichnet: Sie bleibt genau so, und die anderen Schichten lernen daraus.</translation>
    </message>
</context>
<context>
    <name>correcting.update_box</name>
    <message>
        <source>And the other volumes...</source>
        <translation>Auch die anderen Volumina...</translation>
    </message>
    <message>
        <source>Undo update</source>
        <translation>Aktualisierung rückgängig machen</translation>
    </message>
    <message>
        <source>Update ({count})</source>
        <translation>Aktualisieren ({count})</translation>
    </message>
    <message>
        <source>Update</source>
        <translation>Aktualisieren</translation>
    </message>
    <message>
        <source>Learn from what you corrected, and draw the other slices anew ({key}); each class of a slice counts</source>
        <translation>Aus Ihren Korrekturen lernen und die anderen Schichten neu zeichnen ({key}); jede Klasse einer Schicht zählt</translation>
    </message>
    <message>
        <source>There is nothing that learns from corrections here.</source>
        <translation>Hier lernt nichts aus Korrekturen.</translation>
    </message>
    <message>
        <source>An update is under way.</source>
        <translation>Eine Aktualisierung ist im Gange.</translation>
    </message>
    <message>
        <source>Nothing was corrected since the last update.</source>
        <translation>Seit der letzten Aktualisierung wurde nichts korrigiert.</translation>
    </message>
    <message>
        <source>%p %, {time} left</source>
        <translation>%p %, noch {time}</translation>
    </message>
    <message>
        <source>Not updated: {reason} Your corrections are kept.</source>
        <translation>Nicht aktualisiert: {reason} Ihre Korrekturen bleiben erhalten.</translation>
    </message>
    <message>
        <source>There is nothing that learns here.</source>
        <translation>Hier lernt nichts.</translation>
    </message>
    <message>
        <source>This run has no other volumes.</source>
        <translation>Dieser Lauf hat keine anderen Volumina.</translation>
    </message>
    <message>
        <source>The same model draws the masks of the other volumes anew, in the background: {cost}</source>
        <translation>Dasselbe Modell zeichnet die Masken der anderen Volumina neu, im Hintergrund: {cost}</translation>
    </message>
    <message>
        <source>There was no update.</source>
        <translation>Es gab keine Aktualisierung.</translation>
    </message>
    <message>
        <source>Take back what the last update wrote; what you drew since stays</source>
        <translation>Zurücknehmen, was die letzte Aktualisierung geschrieben hat; was Sie seither gezeichnet haben, bleibt</translation>
    </message>
    <message>
        <source>Update the other volumes too? That takes: {cost}. You can go on working meanwhile.</source>
        <translation>Auch die anderen Volumina aktualisieren? Das braucht: {cost}. Sie können währenddessen weiterarbeiten.</translation>
    </message>
</context>
<context>
    <name>frontend.logic</name>
    <message>
        <source>A run is under way. Wait until it has ended, or cancel it.</source>
        <translation>Ein Lauf ist im Gange. Warten Sie, bis er beendet ist, oder brechen Sie ihn ab.</translation>
    </message>
    <message>
        <source>No volume is chosen. Choose one in section 1, Volumes.</source>
        <translation>Es ist kein Volumen gewählt. Wählen Sie eines in Abschnitt 1, Volumina.</translation>
    </message>
    <message>
        <source>It is being read; this takes a moment.</source>
        <translation>Es wird gerade gelesen; das dauert einen Moment.</translation>
    </message>
    <message>
        <source>{volume}: {problem}</source>
        <translation>{volume}: {problem}</translation>
    </message>
    <message>
        <source>The run has not ended within {seconds} s.</source>
        <translation>Der Lauf wurde nicht innerhalb von {seconds} s beendet.</translation>
    </message>
    <message>
        <source>It goes on; wait longer, or cancel it.</source>
        <translation>Er läuft weiter; warten Sie länger, oder brechen Sie ihn ab.</translation>
    </message>
    <message>
        <source>The update has not ended within {seconds} s.</source>
        <translation>Die Aktualisierung war nach {seconds} s nicht zu Ende.</translation>
    </message>
    <message>
        <source>The scene knows no such run.</source>
        <translation>Die Szene kennt keinen solchen Lauf.</translation>
    </message>
    <message>
        <source>Use what startRun returned.</source>
        <translation>Verwenden Sie den Rückgabewert von startRun.</translation>
    </message>
</context>
<context>
    <name>frontend.widget</name>
    <message>
        <source>Keep sections open</source>
        <translation>Abschnitte offen lassen</translation>
    </message>
    <message>
        <source>Opening a section folds the others otherwise</source>
        <translation>Sonst faltet das Öffnen eines Abschnitts die anderen zu</translation>
    </message>
</context>
<context>
    <name>labels.class_details</name>
    <message>
        <source>none</source>
        <translation>keine</translation>
    </message>
    <message>
        <source>There is no class; press Add first.</source>
        <translation>Es gibt keine Klasse; drücken Sie zuerst „Hinzufügen“.</translation>
    </message>
    <message>
        <source>What &apos;{name}&apos; is (the Segment Editor offers all of Slicer&apos;s terminology later):</source>
        <translation>Was „{name}“ ist (der Segment Editor bietet später die gesamte Terminologie von Slicer):</translation>
    </message>
    <message>
        <source>Terminology</source>
        <translation>Terminologie</translation>
    </message>
    <message>
        <source>The label value &apos;{text}&apos; is not a whole number.</source>
        <translation>Der Labelwert „{text}“ ist keine ganze Zahl.</translation>
    </message>
    <message>
        <source>Use 1 to 65535.</source>
        <translation>Verwenden Sie 1 bis 65535.</translation>
    </message>
</context>
<context>
    <name>labels.class_edits</name>
    <message>
        <source>Lesion</source>
        <translation>Läsion</translation>
    </message>
    <message>
        <source>Class {number}</source>
        <translation>Klasse {number}</translation>
    </message>
    <message>
        <source>All label values are in use.</source>
        <translation>Alle Labelwerte sind vergeben.</translation>
    </message>
    <message>
        <source>Remove a class first.</source>
        <translation>Entfernen Sie zuerst eine Klasse.</translation>
    </message>
</context>
<context>
    <name>labels.class_knowledge</name>
    <message>
        <source>{side}?</source>
        <translation>{side}?</translation>
    </message>
    <message>
        <source>Side of the patient&apos;s body</source>
        <translation>Körperseite des Patienten</translation>
    </message>
    <message>
        <source>Its terminology says {side}; choose that if it is so.</source>
        <translation>Die Terminologie sagt {side}; wählen Sie das, wenn es stimmt.</translation>
    </message>
    <message>
        <source>Whether it is one connected piece in a patient</source>
        <translation>Ob sie in einem Patienten ein zusammenhängendes Stück ist</translation>
    </message>
</context>
<context>
    <name>labels.classes_panel</name>
    <message>
        <source>{preset}: {classes}</source>
        <translation>{preset}: {classes}</translation>
    </message>
    <message>
        <source>Colour {color}; double-click to choose another one.</source>
        <translation>Farbe {color}; Doppelklick, um eine andere zu wählen.</translation>
    </message>
    <message>
        <source>{name}
Double-click to rename; tags go along.</source>
        <translation>{name}
Doppelklick zum Umbenennen; Markierungen bleiben erhalten.</translation>
    </message>
    <message>
        <source>There is no class; press Add first.</source>
        <translation>Es gibt keine Klasse; drücken Sie zuerst „Hinzufügen“.</translation>
    </message>
    <message>
        <source>No class is selected.</source>
        <translation>Es ist keine Klasse ausgewählt.</translation>
    </message>
    <message>
        <source>Click on one in the table.</source>
        <translation>Klicken Sie in der Tabelle auf eine.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; has tags. Remove it with all of them? (Undo brings both back.)</source>
        <translation>„{name}“ hat Markierungen. Samt allen Markierungen entfernen? („Rückgängig“ stellt beides wieder her.)</translation>
    </message>
    <message>
        <source>Colour of {name}</source>
        <translation>Farbe von {name}</translation>
    </message>
    <message>
        <source>WeakMedSAM</source>
        <translation>WeakMedSAM</translation>
    </message>
</context>
<context>
    <name>labels.drawn_files</name>
    <message>
        <source>Nothing is drawn in {file}.</source>
        <translation>In {file} ist nichts gezeichnet.</translation>
    </message>
    <message>
        <source>Choose another file.</source>
        <translation>Wählen Sie eine andere Datei.</translation>
    </message>
    <message>
        <source>No class has the label value {values}; what is drawn with it was left out.</source>
        <translation>Keine Klasse hat den Labelwert {values}; was damit gezeichnet ist, wurde ausgelassen.</translation>
    </message>
    <message>
        <source>{file} is a label map with the values {values}; no class has one of these as its label value.</source>
        <translation>{file} ist eine Label-Map mit den Werten {values}; keine Klasse hat einen davon als Labelwert.</translation>
    </message>
    <message>
        <source>Give the classes these label values (&apos;Classes&apos;), and import it again.</source>
        <translation>Geben Sie den Klassen diese Labelwerte („Klassen“), und importieren Sie sie noch einmal.</translation>
    </message>
    <message>
        <source>Slicer cannot read {file}.</source>
        <translation>Slicer kann {file} nicht lesen.</translation>
    </message>
    <message>
        <source>Open it in Slicer by itself: its log says what is wrong.</source>
        <translation>Öffnen Sie die Datei für sich in Slicer: Das Protokoll sagt, was nicht stimmt.</translation>
    </message>
    <message>
        <source>{file} holds surfaces, not voxels.</source>
        <translation>{file} enthält Oberflächen, keine Voxel.</translation>
    </message>
    <message>
        <source>{file} has several segments called &apos;{name}&apos;.</source>
        <translation>{file} hat mehrere Segmente namens „{name}“.</translation>
    </message>
    <message>
        <source>Rename them in Slicer and save it again.</source>
        <translation>Benennen Sie sie in Slicer um, und speichern Sie die Datei noch einmal.</translation>
    </message>
    <message>
        <source>The voxels of {file} do not lie on those of &apos;{name}&apos;.</source>
        <translation>Die Voxel von {file} liegen nicht auf denen von „{name}“.</translation>
    </message>
    <message>
        <source>{file}: {count} of the voxels that are drawn lie outside of &apos;{name}&apos;.</source>
        <translation>{file}: {count} der gezeichneten Voxel liegen außerhalb von „{name}“.</translation>
    </message>
    <message>
        <source>In the module Segmentations export it to a label map with the volume as reference, and import that.</source>
        <translation>Exportieren Sie sie im Modul Segmentations als Label-Map mit dem Volumen als Referenz, und importieren Sie diese.</translation>
    </message>
</context>
<context>
    <name>labels.knowledge_details</name>
    <message>
        <source>The smallest volume, {smallest} ml, is above the largest, {largest} ml.</source>
        <translation>Das kleinste Volumen, {smallest} ml, liegt über dem größten, {largest} ml.</translation>
    </message>
    <message>
        <source>Change the other one first.</source>
        <translation>Ändern Sie zuerst das andere.</translation>
    </message>
    <message>
        <source>Leave the sign for thousands out, and zeros at the end.</source>
        <translation>Lassen Sie das Tausendertrennzeichen weg, und Nullen am Ende.</translation>
    </message>
    <message>
        <source>The volume &apos;{text}&apos; has two meanings.</source>
        <translation>Das Volumen „{text}“ hat zwei Bedeutungen.</translation>
    </message>
    <message>
        <source>The volume &apos;{text}&apos; is no number above 0.</source>
        <translation>Das Volumen „{text}“ ist keine Zahl über 0.</translation>
    </message>
    <message>
        <source>Type millilitres, or nothing.</source>
        <translation>Geben Sie Milliliter ein, oder nichts.</translation>
    </message>
</context>
<context>
    <name>labels.painted_words</name>
    <message>
        <source>drawn or corrected: all of it is known</source>
        <translation>gezeichnet oder korrigiert: alles darauf ist bekannt</translation>
    </message>
    <message>
        <source>found to be fine: all of it is known</source>
        <translation>für gut befunden: alles darauf ist bekannt</translation>
    </message>
    <message>
        <source>touched: only what was changed there is known</source>
        <translation>berührt: nur was dort geändert wurde, ist bekannt</translation>
    </message>
    <message>
        <source>&apos;{name}&apos;: slices drawn: {drawn}; drawn empty, so absent: {empty}; with scribbles: {scribbled}.</source>
        <translation>„{name}“: gezeichnete Schichten: {drawn}; leer gezeichnet, also nicht vorhanden: {empty}; mit Strichen: {scribbled}.</translation>
    </message>
</context>
<context>
    <name>labels.report_list_dialog</name>
    <message>
        <source>A list of reports with one row a scan? Say which columns are read; of the others nothing is read or kept. A blank cell says nothing.</source>
        <translation>Eine Liste von Befunden mit einer Zeile je Aufnahme? Sagen Sie, welche Spalten gelesen werden; von den anderen wird nichts gelesen oder behalten. Eine leere Zelle sagt nichts.</translation>
    </message>
    <message>
        <source>Scans, as the volumes are called</source>
        <translation>Aufnahmen, wie die Volumen heißen</translation>
    </message>
    <message>
        <source>Shows {name}</source>
        <translation>Zeigt {name}</translation>
    </message>
    <message>
        <source>Words for yes</source>
        <translation>Wörter für Ja</translation>
    </message>
    <message>
        <source>Words for no</source>
        <translation>Wörter für Nein</translation>
    </message>
    <message>
        <source>(no column)</source>
        <translation>(keine Spalte)</translation>
    </message>
    <message>
        <source>Between commas, in any case of letters</source>
        <translation>Durch Kommas getrennt, groß oder klein geschrieben</translation>
    </message>
    <message>
        <source>Choose the column with the names of the scans.</source>
        <translation>Wählen Sie die Spalte mit den Namen der Aufnahmen.</translation>
    </message>
    <message>
        <source>Choose a column for a class at least.</source>
        <translation>Wählen Sie wenigstens für eine Klasse eine Spalte.</translation>
    </message>
    <message>
        <source>Read these columns</source>
        <translation>Diese Spalten lesen</translation>
    </message>
</context>
<context>
    <name>labels.scene_labels</name>
    <message>
        <source>There is no volume to tag.</source>
        <translation>Es ist kein Volumen zum Markieren da.</translation>
    </message>
    <message>
        <source>Choose one in Volumes.</source>
        <translation>Wählen Sie eines unter Volumen.</translation>
    </message>
</context>
<context>
    <name>labels.side_words</name>
    <message>
        <source>left</source>
        <translation>links</translation>
    </message>
    <message>
        <source>right</source>
        <translation>rechts</translation>
    </message>
    <message>
        <source>front</source>
        <translation>vorn</translation>
    </message>
    <message>
        <source>back</source>
        <translation>hinten</translation>
    </message>
    <message>
        <source>one</source>
        <translation>eines</translation>
    </message>
    <message>
        <source>several</source>
        <translation>mehrere</translation>
    </message>
    <message>
        <source>brighter than around it</source>
        <translation>heller als die Umgebung</translation>
    </message>
    <message>
        <source>darker than around it</source>
        <translation>dunkler als die Umgebung</translation>
    </message>
    <message>
        <source>exclusive: shares no pixel</source>
        <translation>ausschließend: teilt keine Pixel</translation>
    </message>
    <message>
        <source>free: may share pixels</source>
        <translation>frei: darf Pixel teilen</translation>
    </message>
</context>
<context>
    <name>labels.slice_direction</name>
    <message>
        <source>The layout has no slice views.</source>
        <translation>Die Anordnung hat keine Schichtansichten.</translation>
    </message>
    <message>
        <source>Choose a volume first.</source>
        <translation>Wählen Sie zuerst ein Volumen.</translation>
    </message>
    <message>
        <source>The slice view that decides along which direction slices are counted</source>
        <translation>Die Schichtansicht, die bestimmt, in welcher Richtung die Schichten gezählt werden</translation>
    </message>
    <message>
        <source>Numbered 0 to {last}, as in the Data Probe</source>
        <translation>Nummeriert von 0 bis {last}, wie in der Data Probe</translation>
    </message>
    <message>
        <source>⚠ No view of the layout shows the slices of this volume. Choose the view to tag in.</source>
        <translation>⚠ Keine Ansicht dieser Anordnung zeigt die Schichten dieses Volumens. Wählen Sie die Ansicht, in der markiert wird.</translation>
    </message>
    <message>
        <source>⚠ The {view} view cuts across the slices. Align it, so that what you see is one slice.</source>
        <translation>⚠ Die Ansicht {view} schneidet quer durch die Schichten. Richten Sie sie aus, damit Sie jeweils genau eine Schicht sehen.</translation>
    </message>
    <message>
        <source>⚠ This volume is tagged in slices as in the {view} view. Choose the view to tag in.</source>
        <translation>⚠ Dieses Volumen ist in Schichten wie in der Ansicht {view} markiert. Wählen Sie die Ansicht, in der markiert wird.</translation>
    </message>
    <message>
        <source>Slices as in the {view} view.</source>
        <translation>Schichten wie in der Ansicht {view}.</translation>
    </message>
    <message>
        <source>Slices as in the {view} view; slice {index} of {count}.</source>
        <translation>Schichten wie in der Ansicht {view}; Schicht {index} von {count}.</translation>
    </message>
    <message>
        <source>{name} is tagged in another direction than that of the slices in the {view} view.</source>
        <translation>{name} ist in einer anderen Richtung markiert als der der Schichten in der Ansicht {view}.</translation>
    </message>
    <message>
        <source>What you drew, scribbled or found fine stays known, pixel by pixel. A slice that way is drawn or fine only if all of its pixels are known; else it is touched.</source>
        <translation>Was Sie gezeichnet, gekritzelt oder für gut befunden haben, bleibt bekannt, Pixel für Pixel. Eine Schicht in dieser Richtung gilt nur dann als gezeichnet oder gut, wenn alle ihre Pixel bekannt sind; sonst als berührt.</translation>
    </message>
    <message>
        <source>Boxes of one slice are removed; points and boxes in 3-D stay. Undo brings them back.</source>
        <translation>Boxen einer einzelnen Schicht werden entfernt; Punkte und Boxen in 3-D bleiben. Rückgängig holt sie zurück.</translation>
    </message>
    <message>
        <source>Remove its slice tags and start over in that direction? (Undo brings them back.)</source>
        <translation>Die Markierungen der Schichten entfernen und in dieser Richtung neu beginnen? (Rückgängig bringt sie zurück.)</translation>
    </message>
    <message>
        <source>Count its slices in that direction? (Undo takes that back.)</source>
        <translation>Die Schichten in dieser Richtung zählen? (Rückgängig nimmt das zurück.)</translation>
    </message>
    <message>
        <source>Other slice direction</source>
        <translation>Andere Schichtrichtung</translation>
    </message>
</context>
<context>
    <name>labels.tag_file_dialogs</name>
    <message>
        <source>Import labels</source>
        <translation>Markierungen importieren</translation>
    </message>
    <message>
        <source>Labels ({endings})</source>
        <translation>Markierungen ({endings})</translation>
    </message>
    <message>
        <source>There are no tags of volumes in this file; its classes were imported.</source>
        <translation>Diese Datei enthält keine Markierungen von Volumina; ihre Klassen wurden importiert.</translation>
    </message>
    <message>
        <source>None of the {count} scans in {column!r} is called as a volume here: {names}.</source>
        <translation>Keine der {count} Aufnahmen in {column!r} heißt wie ein Volumen hier: {names}.</translation>
    </message>
    <message>
        <source>Choose another column, or rename the volumes in the module Data.</source>
        <translation>Wählen Sie eine andere Spalte, oder benennen Sie die Volumen im Modul Data um.</translation>
    </message>
    <message>
        <source>Scans of the list that are not in the scene: {count}.</source>
        <translation>Aufnahmen der Liste, die nicht in der Szene sind: {count}.</translation>
    </message>
    <message>
        <source>Every slice</source>
        <translation>Jede Schicht</translation>
    </message>
    <message>
        <source>Those that show a class</source>
        <translation>Die eine Klasse zeigen</translation>
    </message>
    <message>
        <source>Which slices of {file} count as drawn?</source>
        <translation>Welche Schichten von {file} gelten als gezeichnet?</translation>
    </message>
    <message>
        <source>On a slice that counts, and has nothing of a class, the class is absent.</source>
        <translation>Auf einer Schicht, die gilt und nichts von einer Klasse hat, ist die Klasse nicht vorhanden.</translation>
    </message>
    <message>
        <source>These tags do not say from which end slices are counted, and Slicer shows them in reversed order.</source>
        <translation>Diese Markierungen sagen nicht, von welchem Ende aus Schichten gezählt sind, und Slicer zeigt die Schichten in umgekehrter Reihenfolge.</translation>
    </message>
    <message>
        <source>How were the slices counted?</source>
        <translation>Wie wurden die Schichten gezählt?</translation>
    </message>
    <message>
        <source>As Slicer shows them</source>
        <translation>So, wie Slicer sie zeigt</translation>
    </message>
    <message>
        <source>In the order of the file</source>
        <translation>In der Reihenfolge der Datei</translation>
    </message>
    <message>
        <source>Export labels</source>
        <translation>Markierungen exportieren</translation>
    </message>
    <message>
        <source>JSON, keeps everything (*.json)</source>
        <translation>JSON, behält alles (*.json)</translation>
    </message>
    <message>
        <source>CSV, slice tags for spreadsheets (*.csv)</source>
        <translation>CSV, Schichtmarkierungen für Tabellenprogramme (*.csv)</translation>
    </message>
    <message>
        <source>Markups, boxes and points of this volume (*.mrk.json)</source>
        <translation>Markups, Boxen und Punkte dieses Volumens (*.mrk.json)</translation>
    </message>
    <message>
        <source>The tags were written to {path}</source>
        <translation>Die Markierungen wurden nach {path} geschrieben</translation>
    </message>
</context>
<context>
    <name>labels.tag_import</name>
    <message>
        <source>The label value {old} of &apos;{name}&apos; is in use already: it became {new}.</source>
        <translation>Der Labelwert {old} von „{name}“ ist bereits vergeben: Er wurde zu {new}.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; was left as it is: {reason}</source>
        <translation>„{name}“ wurde unverändert gelassen: {reason}</translation>
    </message>
    <message>
        <source>&apos;{name}&apos;: tags imported.</source>
        <translation>„{name}“: Markierungen importiert.</translation>
    </message>
    <message>
        <source>The tags of &apos;{name}&apos; were not imported: the scene has other tags for it. Load the scan, then import.</source>
        <translation>Die Markierungen von „{name}“ wurden nicht importiert: Die Szene hat andere Markierungen dafür. Laden Sie die Aufnahme, und importieren Sie dann.</translation>
    </message>
    <message>
        <source>It was matched by its name alone: make sure that it is the same scan.</source>
        <translation>Die Zuordnung erfolgte allein nach dem Namen: Vergewissern Sie sich, dass es dieselbe Aufnahme ist.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; was left as it is: it is tagged in another slice direction here than in the file. Clear its tags to take those of the file.</source>
        <translation>„{name}“ wurde unverändert gelassen: Es ist hier in einer anderen Schichtrichtung markiert als in der Datei. Entfernen Sie seine Markierungen, um die der Datei zu übernehmen.</translation>
    </message>
    <message>
        <source>Tags that were replaced: {count}.</source>
        <translation>Ersetzte Markierungen: {count}.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; is not in the scene: its tags are kept for when it is loaded.</source>
        <translation>„{name}“ ist nicht in der Szene: Die Markierungen werden aufbewahrt, bis es geladen wird.</translation>
    </message>
</context>
<context>
    <name>labels.tag_keys</name>
    <message>
        <source>Start of a range: its first slice</source>
        <translation>Anfang eines Bereichs: seine erste Schicht</translation>
    </message>
    <message>
        <source>End of the range: its last slice; the range becomes present</source>
        <translation>Ende des Bereichs: seine letzte Schicht; der Bereich wird als „vorhanden“ markiert</translation>
    </message>
    <message>
        <source>Forget the start of the range, or leave what is being placed</source>
        <translation>Den Anfang des Bereichs vergessen, oder lassen, was gerade gesetzt wird</translation>
    </message>
    <message>
        <source>Current class: present on this slice, or untagged again</source>
        <translation>Aktuelle Klasse: in dieser Schicht vorhanden, oder wieder nicht markiert</translation>
    </message>
    <message>
        <source>Current class: absent on this slice, or untagged again</source>
        <translation>Aktuelle Klasse: in dieser Schicht nicht vorhanden, oder wieder nicht markiert</translation>
    </message>
    <message>
        <source>Current class: not in this volume at all, or no longer said so</source>
        <translation>Aktuelle Klasse: in diesem Volumen gar nicht vorhanden, oder das nicht mehr gesagt</translation>
    </message>
    <message>
        <source>Current class: in this volume, on whichever slices, or no longer said so</source>
        <translation>Aktuelle Klasse: in diesem Volumen, in welchen Schichten auch immer, oder das nicht mehr gesagt</translation>
    </message>
    <message>
        <source>Draw a box around the current class by clicks, or leave that</source>
        <translation>Die aktuelle Klasse mit Klicks durch eine Box umschließen, oder das lassen</translation>
    </message>
    <message>
        <source>Click on the current class, or leave that</source>
        <translation>Auf die aktuelle Klasse klicken, oder das lassen</translation>
    </message>
    <message>
        <source>Click on what is not the current class, or leave that</source>
        <translation>Auf etwas klicken, das nicht die aktuelle Klasse ist, oder das lassen</translation>
    </message>
    <message>
        <source>Keep what is being placed, or outlined by a scribble, as it is shown</source>
        <translation>Behalten, was gerade gesetzt oder nach Strichen umrissen wird, wie es gezeigt ist</translation>
    </message>
    <message>
        <source>Join the new box with the one offered, to one in 3-D</source>
        <translation>Die neue Box mit der angebotenen zu einer 3D-Box verbinden</translation>
    </message>
    <message>
        <source>Make the next class the current one</source>
        <translation>Nächste Klasse zur aktuellen machen</translation>
    </message>
    <message>
        <source>Go to the next untagged slice</source>
        <translation>Zur nächsten nicht markierten Schicht gehen</translation>
    </message>
    <message>
        <source>Go to the previous untagged slice</source>
        <translation>Zur vorherigen nicht markierten Schicht gehen</translation>
    </message>
    <message>
        <source>Undo the last change</source>
        <translation>Letzte Änderung rückgängig machen</translation>
    </message>
    <message>
        <source>Redo what was undone</source>
        <translation>Rückgängig Gemachtes wiederholen</translation>
    </message>
    <message>
        <source>This slice is fine; go on to the next one to look at</source>
        <translation>Diese Schicht ist gut; weiter zur nächsten, die anzusehen ist</translation>
    </message>
    <message>
        <source>Go to the next slice to look at</source>
        <translation>Zur nächsten Schicht gehen, die anzusehen ist</translation>
    </message>
    <message>
        <source>While held: the masks as they were before the last update, or generated</source>
        <translation>Solange gehalten: die Masken wie vor der letzten Aktualisierung, oder wie erzeugt</translation>
    </message>
    <message>
        <source>The masks of this slice are right as they are</source>
        <translation>Die Masken dieser Schicht stimmen, wie sie sind</translation>
    </message>
    <message>
        <source>Give this slice back to the machine</source>
        <translation>Diese Schicht an die Maschine zurückgeben</translation>
    </message>
    <message>
        <source>Update the other slices by what was corrected</source>
        <translation>Die anderen Schichten nach den Korrekturen aktualisieren</translation>
    </message>
    <message>
        <source>&apos;{name}&apos;: present on this slice, or untagged again</source>
        <translation>„{name}“: in dieser Schicht vorhanden, oder wieder nicht markiert</translation>
    </message>
    <message>
        <source>&apos;{name}&apos;: absent on this slice, or untagged again</source>
        <translation>„{name}“: in dieser Schicht nicht vorhanden, oder wieder nicht markiert</translation>
    </message>
    <message>
        <source> or </source>
        <translation> oder </translation>
    </message>
    <message>
        <source>These keys work while a slice view has the keyboard (click into it), and in this section.</source>
        <translation>Diese Tasten gelten, während eine Schichtansicht den Tastaturfokus hat (hineinklicken), und in diesem Abschnitt.</translation>
    </message>
    <message>
        <source>Slicer&apos;s own keys stay as they are: arrows, F and B scroll; R resets the view.</source>
        <translation>Die eigenen Tasten von Slicer bleiben unverändert: Pfeiltasten, F und B blättern; R setzt die Ansicht zurück.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos;: present, absent (again: untagged)</source>
        <translation>„{name}“: vorhanden, nicht vorhanden (noch einmal: nicht markiert)</translation>
    </message>
    <message>
        <source>A class key is one digit or one letter, such as 1 or K.</source>
        <translation>Die Taste einer Klasse ist eine Ziffer oder ein Buchstabe, zum Beispiel 1 oder K.</translation>
    </message>
    <message>
        <source>Slicer&apos;s slice views use the key {key} already. Digits are always free.</source>
        <translation>Die Schichtansichten von Slicer verwenden die Taste {key} bereits. Ziffern sind immer frei.</translation>
    </message>
    <message>
        <source>The key {key} has a meaning in tagging already. Digits are always free.</source>
        <translation>Die Taste {key} hat beim Markieren bereits eine Bedeutung. Ziffern sind immer frei.</translation>
    </message>
    <message>
        <source>The key &apos;{key}&apos; cannot be used.</source>
        <translation>Die Taste „{key}“ kann nicht verwendet werden.</translation>
    </message>
</context>
<context>
    <name>labels.tag_session</name>
    <message>
        <source>new class &apos;{name}&apos;</source>
        <translation>neue Klasse „{name}“</translation>
    </message>
    <message>
        <source>&apos;{old}&apos; renamed to &apos;{new}&apos;</source>
        <translation>„{old}“ umbenannt in „{new}“</translation>
    </message>
    <message>
        <source>change of class &apos;{name}&apos;</source>
        <translation>Ändern der Klasse „{name}“</translation>
    </message>
    <message>
        <source>removal of class &apos;{name}&apos;</source>
        <translation>Entfernen der Klasse „{name}“</translation>
    </message>
    <message>
        <source>new class table</source>
        <translation>neue Klassentabelle</translation>
    </message>
    <message>
        <source>other slice direction for &apos;{name}&apos;</source>
        <translation>andere Schichtrichtung für „{name}“</translation>
    </message>
    <message>
        <source>rest absent for &apos;{name}&apos;</source>
        <translation>Rest nicht vorhanden für „{name}“</translation>
    </message>
    <message>
        <source>Slice {index} of &apos;{name}&apos; shows &apos;{class}&apos;.</source>
        <translation>Schicht {index} von „{name}“ zeigt „{class}“.</translation>
    </message>
    <message>
        <source>First take back what shows it: &apos;Clear the class in this volume&apos;, its boxes and points.</source>
        <translation>Nehmen Sie erst zurück, was sie zeigt: „Klasse in diesem Volumen leeren“, ihre Boxen und Punkte.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; is in this volume</source>
        <translation>„{name}“ ist in diesem Volumen</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; is not in this volume</source>
        <translation>„{name}“ ist nicht in diesem Volumen</translation>
    </message>
    <message>
        <source>whether &apos;{name}&apos; is in this volume</source>
        <translation>ob „{name}“ in diesem Volumen ist</translation>
    </message>
    <message>
        <source>clearing of &apos;{name}&apos;</source>
        <translation>Leeren von „{name}“</translation>
    </message>
    <message>
        <source>import of tags</source>
        <translation>Importieren von Markierungen</translation>
    </message>
    <message>
        <source>restoring of labels that were not saved</source>
        <translation>Wiederherstellen nicht gespeicherter Angaben</translation>
    </message>
    <message>
        <source>Import the tags from a file, if you exported them.</source>
        <translation>Importieren Sie die Markierungen aus einer Datei, falls Sie sie exportiert haben.</translation>
    </message>
    <message>
        <source>The tags kept in the scene cannot be read.</source>
        <translation>Die in der Szene gespeicherten Markierungen können nicht gelesen werden.</translation>
    </message>
</context>
<context>
    <name>labels.tag_store</name>
    <message>
        <source>&apos;{text}&apos; concerns other volumes, too, in which something was done since: {names}.</source>
        <translation>&apos;{text}&apos; betrifft auch andere Volumes, in denen seither etwas getan wurde: {names}.</translation>
    </message>
    <message>
        <source>Go there (load it again if it was removed), and take that back first.</source>
        <translation>Gehen Sie dorthin (laden Sie es wieder, wenn es entfernt wurde), und nehmen Sie zuerst das zurück.</translation>
    </message>
    <message>
        <source>&apos;{text}&apos; concerns other volumes, too, in which something was taken back since: {names}.</source>
        <translation>&apos;{text}&apos; betrifft auch andere Volumes, in denen seither etwas zurückgenommen wurde: {names}.</translation>
    </message>
    <message>
        <source>Go there (load it again if it was removed), and do that again first.</source>
        <translation>Gehen Sie dorthin (laden Sie es wieder, wenn es entfernt wurde), und wiederholen Sie zuerst das.</translation>
    </message>
    <message>
        <source>This volume is not ready for tags.</source>
        <translation>Dieses Volumen ist noch nicht zum Markieren bereit.</translation>
    </message>
    <message>
        <source>Choose it in Volumes first.</source>
        <translation>Wählen Sie es zuerst unter Volumina.</translation>
    </message>
</context>
<context>
    <name>labels.tag_volumes</name>
    <message>
        <source>{name} (tags of another scan)</source>
        <translation>{name} (Markierungen einer anderen Aufnahme)</translation>
    </message>
</context>
<context>
    <name>labels.tag_words</name>
    <message>
        <source>present</source>
        <translation>vorhanden</translation>
    </message>
    <message>
        <source>absent</source>
        <translation>nicht vorhanden</translation>
    </message>
    <message>
        <source>untagged</source>
        <translation>nicht markiert</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; {tag} on slice {first}</source>
        <translation>„{name}“ {tag} in Schicht {first}</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; {tag} on slices {first} to {last}</source>
        <translation>„{name}“ {tag} in den Schichten {first} bis {last}</translation>
    </message>
    <message>
        <source>{name}: no volume</source>
        <translation>{name}: kein Volumen</translation>
    </message>
    <message>
        <source>{name}: in this volume, nobody says on which slices; ready</source>
        <translation>{name}: in diesem Volumen, niemand sagt, in welchen Schichten; bereit</translation>
    </message>
    <message>
        <source>{name}: no slice tagged yet; set the start and the end of a range</source>
        <translation>{name}: noch keine Schicht markiert; setzen Sie Anfang und Ende eines Bereichs</translation>
    </message>
    <message>
        <source>{name}: not in this volume; ready</source>
        <translation>{name}: nicht in diesem Volumen; bereit</translation>
    </message>
    <message>
        <source>{count} present</source>
        <translation>{count} vorhanden</translation>
    </message>
    <message>
        <source>{count} absent</source>
        <translation>{count} nicht vorhanden</translation>
    </message>
    <message>
        <source>{count} untagged</source>
        <translation>{count} nicht markiert</translation>
    </message>
    <message>
        <source>{name}: {counts}; {state}</source>
        <translation>{name}: {counts}; {state}</translation>
    </message>
    <message>
        <source>not ready</source>
        <translation>nicht bereit</translation>
    </message>
    <message>
        <source>{ready} of {count} classes ready</source>
        <translation>{ready} von {count} Klassen bereit</translation>
    </message>
    <message>
        <source>Still missing: {text}</source>
        <translation>Noch erforderlich: {text}</translation>
    </message>
    <message>
        <source>Note: {text}</source>
        <translation>Hinweis: {text}</translation>
    </message>
    <message>
        <source>ready: a box or a point shows it</source>
        <translation>bereit: eine Box oder ein Punkt zeigt sie</translation>
    </message>
    <message>
        <source>tag slices that do not show it, or choose &apos;Tag the rest as absent&apos;</source>
        <translation>markieren Sie Schichten, die sie nicht zeigen, oder wählen Sie „Rest als nicht vorhanden markieren“</translation>
    </message>
    <message>
        <source>slice {index}</source>
        <translation>Schicht {index}</translation>
    </message>
    <message>
        <source>slice {index}: {name} is not in this volume</source>
        <translation>Schicht {index}: {name} ist nicht in diesem Volumen</translation>
    </message>
    <message>
        <source>slice {index}: {sign} {name} {tag}</source>
        <translation>Schicht {index}: {sign} {name} {tag}</translation>
    </message>
    <message>
        <source>ready</source>
        <translation>bereit</translation>
    </message>
    <message>
        <source>ready: the class is not in this volume</source>
        <translation>bereit: Die Klasse ist in diesem Volumen nicht vorhanden</translation>
    </message>
    <message>
        <source>tag slices that show it, or go on to the next volume</source>
        <translation>markieren Sie Schichten, die sie zeigen, oder gehen Sie zum nächsten Volumen</translation>
    </message>
    <message>
        <source>ready: untagged slices are left out</source>
        <translation>bereit: Nicht markierte Schichten bleiben unberücksichtigt</translation>
    </message>
    <message>
        <source>slice {index}: {name} {tag}</source>
        <translation>Schicht {index}: {name} {tag}</translation>
    </message>
    <message>
        <source>The tags of &apos;{name}&apos; do not say from which end its slices are counted.</source>
        <translation>Die Markierungen von „{name}“ sagen nicht, von welchem Ende aus die Schichten gezählt sind.</translation>
    </message>
    <message>
        <source>Import them while the scan is loaded, and say how they were counted: {readings}</source>
        <translation>Importieren Sie sie, während die Aufnahme geladen ist, und sagen Sie, wie gezählt wurde: {readings}</translation>
    </message>
    <message>
        <source>as Slicer shows slices, {slicer}; in the order of the file, {file} (in Slicer&apos;s numbers).</source>
        <translation>so, wie Slicer Schichten zeigt: {slicer}; in der Reihenfolge der Datei: {file} (in den Nummern von Slicer).</translation>
    </message>
</context>
<context>
    <name>labels.volume_keys</name>
    <message>
        <source>Choose another volume.</source>
        <translation>Wählen Sie ein anderes Volumen.</translation>
    </message>
</context>
<context>
    <name>labels.volume_list</name>
    <message>
        <source>⚠ unusable</source>
        <translation>⚠ nicht nutzbar</translation>
    </message>
    <message>
        <source>reading ...</source>
        <translation>wird gelesen</translation>
    </message>
    <message>
        <source>It is read once it is in use, or chosen.</source>
        <translation>Es wird gelesen, sobald es genutzt wird oder gewählt ist.</translation>
    </message>
    <message>
        <source>no class</source>
        <translation>keine Klasse</translation>
    </message>
    <message>
        <source>no tags</source>
        <translation>unmarkiert</translation>
    </message>
    <message>
        <source>begun</source>
        <translation>begonnen</translation>
    </message>
    <message>
        <source>{ready} of {count} ready</source>
        <translation>{ready} von {count} bereit</translation>
    </message>
    <message>
        <source>{sign} {name}: no tags</source>
        <translation>{sign} {name}: keine Markierungen</translation>
    </message>
    <message>
        <source>{sign} {name}: {present} present, {absent} absent</source>
        <translation>{sign} {name}: {present} vorhanden, {absent} nicht vorhanden</translation>
    </message>
    <message>
        <source>, {count} untagged</source>
        <translation>, {count} nicht markiert</translation>
    </message>
    <message>
        <source>✓ ready</source>
        <translation>✓ bereit</translation>
    </message>
</context>
<context>
    <name>labels.volume_table</name>
    <message>
        <source>Use</source>
        <translation>Nutzen</translation>
    </message>
    <message>
        <source>Volume</source>
        <translation>Volumen</translation>
    </message>
    <message>
        <source>Tags</source>
        <translation>Mark.</translation>
    </message>
    <message>
        <source>State</source>
        <translation>Stand</translation>
    </message>
    <message>
        <source>Learned from, and gets masks. More volumes give better masks. (Space)</source>
        <translation>Daraus wird gelernt, und es erhält Masken. Mehr Volumina ergeben bessere Masken. (Leertaste)</translation>
    </message>
    <message>
        <source>A click shows a volume in the views and makes it the one that is tagged.</source>
        <translation>Ein Klick zeigt ein Volumen in den Ansichten und macht es zu dem, das markiert wird.</translation>
    </message>
    <message>
        <source>One sign a class, in the order of the classes: ● ready, ◐ begun, ○ no tags</source>
        <translation>Ein Zeichen je Klasse, in der Reihenfolge der Klassen: ● bereit, ◐ begonnen, ○ unmarkiert</translation>
    </message>
    <message>
        <source>Whether the tags of a volume need anything more, or its masks, once it has some</source>
        <translation>Ob den Markierungen eines Volumens noch etwas fehlt, oder seinen Masken, sobald es welche hat</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; is in use; a click takes it out.</source>
        <translation>„{name}“ wird genutzt; ein Klick nimmt es heraus.</translation>
    </message>
    <message>
        <source>A click puts &apos;{name}&apos; to use.</source>
        <translation>Ein Klick nutzt „{name}“.</translation>
    </message>
</context>
<context>
    <name>labels.volumes_panel</name>
    <message>
        <source>{count}, {ready} ready</source>
        <translation>{count}, {ready} bereit</translation>
    </message>
    <message>
        <source>Use all volumes</source>
        <translation>Alle Volumina nutzen</translation>
    </message>
    <message>
        <source>Use no volume</source>
        <translation>Kein Volumen nutzen</translation>
    </message>
    <message>
        <source>Use this volume, or not</source>
        <translation>Dieses Volumen nutzen oder nicht</translation>
    </message>
    <message>
        <source>Load a scan first: drag its file or folder into this window, or try a {link}sample{end}, MRBrainTumor1.</source>
        <translation>Laden Sie zuerst eine Aufnahme: Ziehen Sie ihre Datei oder ihren Ordner in dieses Fenster, oder versuchen Sie ein {link}Beispiel{end}, MRBrainTumor1.</translation>
    </message>
    <message>
        <source>Reading the volume ...</source>
        <translation>Volumen wird gelesen ...</translation>
    </message>
    <message>
        <source>The current volume alone is in use.</source>
        <translation>Nur das aktuelle Volumen wird genutzt.</translation>
    </message>
    <message>
        <source>No volume is in use.</source>
        <translation>Kein Volumen wird genutzt.</translation>
    </message>
    <message>
        <source>{checked} of {count} in use, {tagged} with tags.</source>
        <translation>{checked} von {count} genutzt, {tagged} mit Markierungen.</translation>
    </message>
</context>
<context>
    <name>marks.contradiction_words</name>
    <message>
        <source>&apos;{kind}&apos; counts</source>
        <translation>es zählt „{kind}“</translation>
    </message>
    <message>
        <source>{losing}, but {winning}</source>
        <translation>{losing}, aber {winning}</translation>
    </message>
    <message>
        <source>what is drawn counts</source>
        <translation>es zählt das Gezeichnete</translation>
    </message>
    <message>
        <source>the point counts</source>
        <translation>es zählt der Punkt</translation>
    </message>
    <message>
        <source>the box counts</source>
        <translation>es zählt die Box</translation>
    </message>
    <message>
        <source>the slice&apos;s tag counts</source>
        <translation>es zählt die Markierung der Schicht</translation>
    </message>
    <message>
        <source>the scan&apos;s tag counts</source>
        <translation>es zählt die Markierung des Scans</translation>
    </message>
    <message>
        <source>a point of it lies outside of the boxes that are said to hold all of it; the point counts, as it names a single voxel</source>
        <translation>ein Punkt davon liegt außerhalb der Boxen, die alles davon enthalten sollen; es zählt der Punkt, da er ein einzelnes Voxel nennt</translation>
    </message>
    <message>
        <source>points at the same voxel say that it is there, and that it is not; the later counts</source>
        <translation>Punkte am selben Voxel sagen, dass es dort ist, und dass nicht; der spätere zählt</translation>
    </message>
    <message>
        <source>at the same voxel points show it and &apos;{other}&apos;, which exclude each other; remove the one that is wrong</source>
        <translation>am selben Voxel zeigen Punkte dies und „{other}“, die einander ausschließen; entfernen Sie den falschen</translation>
    </message>
    <message>
        <source>a point says otherwise than what is drawn there; what is drawn counts, as it was done pixel by pixel</source>
        <translation>ein Punkt sagt etwas anderes als das, was dort gezeichnet ist; es zählt das Gezeichnete, da es Pixel für Pixel gemacht wurde</translation>
    </message>
    <message>
        <source>the same pixels are drawn as &apos;{other}&apos;, and these exclude each other; a whole slice counts more than a scribble</source>
        <translation>dieselben Pixel sind als „{other}“ gezeichnet, und diese schließen einander aus; eine ganze Schicht zählt mehr als ein Strich</translation>
    </message>
    <message>
        <source>the scan is said to show it, but each slice is tagged absent; the slices count, as each was looked at</source>
        <translation>der Scan soll es zeigen, aber jede Schicht ist als nicht vorhanden markiert; es zählen die Schichten, da jede angesehen wurde</translation>
    </message>
    <message>
        <source>a box lies on the other side of the image&apos;s middle than is known of the class ({side}); the box counts, as what is known overrules no label</source>
        <translation>eine Box liegt auf der anderen Seite der Bildmitte, als von der Klasse bekannt ist ({side}); es zählt die Box, da Bekanntes keine Markierung überstimmt</translation>
    </message>
    <message>
        <source>a point lies on the other side of the image&apos;s middle than is known of the class ({side}); the point counts, as what is known overrules no label</source>
        <translation>ein Punkt liegt auf der anderen Seite der Bildmitte, als von der Klasse bekannt ist ({side}); es zählt der Punkt, da Bekanntes keine Markierung überstimmt</translation>
    </message>
    <message>
        <source>tagged absent</source>
        <translation>als nicht vorhanden markiert</translation>
    </message>
    <message>
        <source>tagged present</source>
        <translation>als vorhanden markiert</translation>
    </message>
    <message>
        <source>said not to be in this volume</source>
        <translation>soll in diesem Volumen nicht sein</translation>
    </message>
    <message>
        <source>in a box</source>
        <translation>in einer Box</translation>
    </message>
    <message>
        <source>shown by a point</source>
        <translation>von einem Punkt gezeigt</translation>
    </message>
    <message>
        <source>drawn</source>
        <translation>gezeichnet</translation>
    </message>
    <message>
        <source>drawn without it</source>
        <translation>ohne dies gezeichnet</translation>
    </message>
    <message>
        <source>pixels of it are drawn here; they count, as they say which pixels are meant</source>
        <translation>hier sind Pixel davon gezeichnet; diese zählen, da sie sagen, welche Pixel gemeint sind</translation>
    </message>
    <message>
        <source>the slice was drawn, or found to be fine, without it; that counts, as all pixels of the slice are known</source>
        <translation>die Schicht wurde ohne dies gezeichnet oder für gut befunden; das zählt, da alle Pixel der Schicht bekannt sind</translation>
    </message>
    <message>
        <source>a point shows it here; the point counts, as it says where on the slice</source>
        <translation>ein Punkt zeigt es hier; es zählt der Punkt, da er sagt, wo in der Schicht</translation>
    </message>
    <message>
        <source>a box shows it here; the box counts, as it says where on the slice</source>
        <translation>eine Box zeigt es hier; es zählt die Box, da sie sagt, wo in der Schicht</translation>
    </message>
    <message>
        <source>this slice is tagged present; that counts, as it was said of this very slice</source>
        <translation>diese Schicht ist als vorhanden markiert; das zählt, da es von genau dieser Schicht gesagt wurde</translation>
    </message>
    <message>
        <source>this slice is tagged absent; that counts, as it was said of this very slice</source>
        <translation>diese Schicht ist als nicht vorhanden markiert; das zählt, da es von genau dieser Schicht gesagt wurde</translation>
    </message>
</context>
<context>
    <name>marks.foreign_markups</name>
    <message>
        <source>The Markups node &apos;{name}&apos; is hidden now: the labels show the same.</source>
        <translation>Der Markups-Knoten &apos;{name}&apos; ist jetzt ausgeblendet: Die Markierungen zeigen dasselbe.</translation>
    </message>
    <message>
        <source>{node} (box)</source>
        <translation>{node} (Box)</translation>
    </message>
    <message>
        <source>{node} (points)</source>
        <translation>{node} (Punkte)</translation>
    </message>
    <message>
        <source>{node}: {classes}</source>
        <translation>{node}: {classes}</translation>
    </message>
</context>
<context>
    <name>marks.mark_actions</name>
    <message>
        <source>The {view} view cuts across the slices.</source>
        <translation>Die Ansicht {view} schneidet quer durch die Schichten.</translation>
    </message>
    <message>
        <source>Press &apos;Align view&apos;, so that what you see is one slice.</source>
        <translation>Drücken Sie „Ansicht ausrichten“, damit Sie eine einzige Schicht sehen.</translation>
    </message>
    <message>
        <source>Undone: {text}</source>
        <translation>Rückgängig gemacht: {text}</translation>
    </message>
    <message>
        <source>&apos;{name}&apos;: no points and boxes any more.</source>
        <translation>„{name}“: keine Punkte und Boxen mehr.</translation>
    </message>
    <message>
        <source>placing: tagging keys are off</source>
        <translation>Setzen: Tasten zum Markieren sind aus</translation>
    </message>
    <message>
        <source>That is outside of the volume.</source>
        <translation>Das liegt außerhalb des Volumens.</translation>
    </message>
    <message>
        <source>A box lies on one slice; it was begun on slice {index}. Go back there.</source>
        <translation>Eine Box liegt auf einer Schicht; sie wurde auf Schicht {index} begonnen. Gehen Sie dorthin zurück.</translation>
    </message>
    <message>
        <source>There is no volume to tag.</source>
        <translation>Es gibt kein Volumen zum Markieren.</translation>
    </message>
    <message>
        <source>Choose one in Volumes.</source>
        <translation>Wählen Sie eines unter „Volumen“.</translation>
    </message>
    <message>
        <source>There is no class.</source>
        <translation>Es gibt keine Klasse.</translation>
    </message>
    <message>
        <source>Add one in Classes.</source>
        <translation>Fügen Sie unter „Klassen“ eine hinzu.</translation>
    </message>
</context>
<context>
    <name>marks.mark_edits</name>
    <message>
        <source>new {mark}</source>
        <translation>neu: {mark}</translation>
    </message>
    <message>
        <source>removal of {mark}</source>
        <translation>entfernt: {mark}</translation>
    </message>
    <message>
        <source>removal of {count} marks</source>
        <translation>Entfernen von {count} Boxen und Punkten</translation>
    </message>
    <message>
        <source>move of {mark}</source>
        <translation>verschoben: {mark}</translation>
    </message>
    <message>
        <source>There is no box of &apos;{name}&apos; on slice {index}.</source>
        <translation>Auf Schicht {index} gibt es keine Box von „{name}“.</translation>
    </message>
    <message>
        <source>Draw one first: press &apos;Box&apos;.</source>
        <translation>Zeichnen Sie erst eine: Drücken Sie „Box“.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; all boxed on slice {index}</source>
        <translation>„{name}“ auf Schicht {index} ganz in Boxen</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; not all boxed on slice {index}</source>
        <translation>„{name}“ auf Schicht {index} nicht ganz in Boxen</translation>
    </message>
    <message>
        <source>Two boxes of &apos;{name}&apos; on different slices are needed, one of them on this slice.</source>
        <translation>Es braucht zwei Boxen von „{name}“ auf verschiedenen Schichten, eine davon auf dieser.</translation>
    </message>
    <message>
        <source>Draw them at its first and its last slice.</source>
        <translation>Zeichnen Sie sie auf der ersten und der letzten Schicht.</translation>
    </message>
    <message>
        <source>join to {mark}</source>
        <translation>zusammengefasst: {mark}</translation>
    </message>
    <message>
        <source>removal of all marks of &apos;{name}&apos;</source>
        <translation>Entfernen aller Boxen und Punkte von „{name}“</translation>
    </message>
    <message>
        <source>This volume is not ready for tags.</source>
        <translation>Dieses Volumen ist noch nicht bereit zum Markieren.</translation>
    </message>
    <message>
        <source>Choose it in Volumes first.</source>
        <translation>Wählen Sie es erst unter „Volumen“.</translation>
    </message>
</context>
<context>
    <name>marks.mark_folders</name>
    <message>
        <source>Marks of {volume}</source>
        <translation>Boxen und Punkte von {volume}</translation>
    </message>
</context>
<context>
    <name>marks.mark_list</name>
    <message>
        <source>Boxes and points: {count}</source>
        <translation>Boxen und Punkte: {count}</translation>
    </message>
    <message>
        <source>Boxes and points: {count}, contradicted: {wrong}</source>
        <translation>Boxen und Punkte: {count}, im Widerspruch: {wrong}</translation>
    </message>
    <message>
        <source>! {kind}</source>
        <translation>! {kind}</translation>
    </message>
</context>
<context>
    <name>marks.mark_nodes</name>
    <message>
        <source>marks of &apos;{old}&apos; given to &apos;{new}&apos;</source>
        <translation>Boxen und Punkte von „{old}“ an „{new}“ gegeben</translation>
    </message>
    <message>
        <source>There is no class &apos;{name}&apos;; the box keeps the name of its class.</source>
        <translation>Es gibt keine Klasse „{name}“; die Box behält den Namen ihrer Klasse.</translation>
    </message>
    <message>
        <source>Name it like a class, or rename that.</source>
        <translation>Nennen Sie sie wie eine Klasse, oder benennen Sie diese um.</translation>
    </message>
    <message>
        <source>A box lies along the axes of its volume, and inside of it; it was put back.</source>
        <translation>Eine Box liegt entlang der Achsen ihres Volumens und in ihm; sie wurde zurückgesetzt.</translation>
    </message>
    <message>
        <source>A point of &apos;{name}&apos; lies outside of its volume; it was put back.</source>
        <translation>Ein Punkt von „{name}“ liegt außerhalb seines Volumens; er wurde zurückgesetzt.</translation>
    </message>
    <message>
        <source>move of a point of &apos;{name}&apos;</source>
        <translation>Verschieben eines Punkts von „{name}“</translation>
    </message>
    <message>
        <source>new point of &apos;{name}&apos;</source>
        <translation>neuer Punkt von „{name}“</translation>
    </message>
    <message>
        <source>removal of points of &apos;{name}&apos;</source>
        <translation>Entfernen von Punkten von „{name}“</translation>
    </message>
</context>
<context>
    <name>marks.mark_part</name>
    <message>
        <source>No box yet: {slices}</source>
        <translation>Noch ohne Box: {slices}</translation>
    </message>
</context>
<context>
    <name>marks.mark_words</name>
    <message>
        <source>box in 3-D</source>
        <translation>Box in 3D</translation>
    </message>
    <message>
        <source>box</source>
        <translation>Box</translation>
    </message>
    <message>
        <source>{box}, all of it</source>
        <translation>{box}, alles darin</translation>
    </message>
    <message>
        <source>point</source>
        <translation>Punkt</translation>
    </message>
    <message>
        <source>not here</source>
        <translation>nicht hier</translation>
    </message>
    <message>
        <source>box of &apos;{name}&apos; on slices {first} to {last}</source>
        <translation>Box von „{name}“ auf den Schichten {first} bis {last}</translation>
    </message>
    <message>
        <source>box of &apos;{name}&apos; on slice {index}</source>
        <translation>Box von „{name}“ auf Schicht {index}</translation>
    </message>
    <message>
        <source>point of &apos;{name}&apos; on slice {index}</source>
        <translation>Punkt von „{name}“ auf Schicht {index}</translation>
    </message>
    <message>
        <source>point that is not &apos;{name}&apos; on slice {index}</source>
        <translation>Punkt, der nicht „{name}“ ist, auf Schicht {index}</translation>
    </message>
    <message>
        <source>{marks}: counts as present</source>
        <translation>{marks}: zählt als vorhanden</translation>
    </message>
</context>
<context>
    <name>marks.model_answers</name>
    <message>
        <source>The model is asked about this slice ...</source>
        <translation>Das Modell wird zu dieser Schicht gefragt ...</translation>
    </message>
    <message>
        <source>The model finds nothing there.</source>
        <translation>Das Modell findet dort nichts.</translation>
    </message>
    <message>
        <source>No outline: {reason}</source>
        <translation>Kein Umriss: {reason}</translation>
    </message>
</context>
<context>
    <name>marks.placing_words</name>
    <message>
        <source>Click on &apos;{name}&apos;. Tagging keys are off.</source>
        <translation>Klicken Sie auf „{name}“. Die Tasten zum Markieren sind aus.</translation>
    </message>
    <message>
        <source>Click on what is not &apos;{name}&apos;. Tagging keys are off.</source>
        <translation>Klicken Sie auf etwas, das nicht „{name}“ ist. Die Tasten zum Markieren sind aus.</translation>
    </message>
    <message>
        <source>Click on the outermost points of &apos;{name}&apos;: {clicked} of {count}. Tagging keys are off.</source>
        <translation>Klicken Sie auf die äußersten Punkte von „{name}“: {clicked} von {count}. Die Tasten zum Markieren sind aus.</translation>
    </message>
    <message>
        <source>Click on a corner of the box around &apos;{name}&apos;.</source>
        <translation>Klicken Sie auf eine Ecke der Box um „{name}“.</translation>
    </message>
    <message>
        <source>Click on the opposite corner.</source>
        <translation>Klicken Sie auf die gegenüberliegende Ecke.</translation>
    </message>
    <message>
        <source>Tagging keys are off.</source>
        <translation>Die Tasten zum Markieren sind aus.</translation>
    </message>
    <message>
        <source>New {mark}: take it, or leave it.</source>
        <translation>Neu: {mark}. Übernehmen oder lassen.</translation>
    </message>
    <message>
        <source>Or join it with that of slice {slices} to one box in 3-D.</source>
        <translation>Oder mit der von Schicht {slices} zu einer 3D-Box verbinden.</translation>
    </message>
    <message>
        <source>point: click on it</source>
        <translation>Punkt: darauf klicken</translation>
    </message>
    <message>
        <source>not: click on what it is not</source>
        <translation>nicht: auf etwas anderes klicken</translation>
    </message>
    <message>
        <source>box: outermost points, {clicked} of {count}</source>
        <translation>Box: äußerste Punkte, {clicked} von {count}</translation>
    </message>
    <message>
        <source>box: click on the opposite corner</source>
        <translation>Box: auf die Gegenecke klicken</translation>
    </message>
    <message>
        <source>box: click on a corner</source>
        <translation>Box: auf eine Ecke klicken</translation>
    </message>
    <message>
        <source>new box</source>
        <translation>neue Box</translation>
    </message>
    <message>
        <source>new point</source>
        <translation>neuer Punkt</translation>
    </message>
    <message>
        <source>Shift+Enter: join with slice {slices}</source>
        <translation>Umschalt+Eingabe: mit Schicht {slices} verbinden</translation>
    </message>
    <message>
        <source>Esc: take back</source>
        <translation>Esc: zurücknehmen</translation>
    </message>
    <message>
        <source>Esc: leave</source>
        <translation>Esc: lassen</translation>
    </message>
    <message>
        <source>Enter: take, {leave}</source>
        <translation>Eingabe: übernehmen, {leave}</translation>
    </message>
</context>
<context>
    <name>marks.voxel_grid</name>
    <message>
        <source>&apos;{name}&apos; is sheared: its axes are not at right angles, and Slicer&apos;s boxes are.</source>
        <translation>„{name}“ ist geschert: Seine Achsen stehen nicht rechtwinklig aufeinander, die von Slicers Boxen schon.</translation>
    </message>
    <message>
        <source>Mark it by points, or resample the volume first.</source>
        <translation>Setzen Sie Punkte, oder resampeln Sie das Volumen zuerst.</translation>
    </message>
</context>
<context>
    <name>qSlicerAbstractCoreModule</name>
    <message>
        <source>Segmentation</source>
        <translation>Segmentation</translation>
    </message>
</context>
<context>
    <name>recovery.offer_box</name>
    <message>
        <source>Unsaved labels</source>
        <translation>Nicht gespeicherte Angaben</translation>
    </message>
    <message>
        <source>Delete these labels? This cannot be undone: {what}</source>
        <translation>Diese Angaben löschen? Das lässt sich nicht rückgängig machen: {what}</translation>
    </message>
    <message>
        <source>Slicer ended before these labels of the volume were saved ({when}): {what}.</source>
        <translation>Slicer endete, bevor diese Angaben zum Volumen gespeichert waren ({when}): {what}.</translation>
    </message>
    <message>
        <source>The volume has labels: {what}. &apos;Restore&apos; puts the others in their place, which can be undone.</source>
        <translation>Das Volumen hat Angaben: {what}. „Wiederherstellen“ setzt die anderen an ihre Stelle, was sich rückgängig machen lässt.</translation>
    </message>
    <message>
        <source>slices tagged: {count}</source>
        <translation>markierte Schichten: {count}</translation>
    </message>
    <message>
        <source>boxes: {count}</source>
        <translation>Kästen: {count}</translation>
    </message>
    <message>
        <source>points: {count}</source>
        <translation>Punkte: {count}</translation>
    </message>
    <message>
        <source>slices corrected: {count}</source>
        <translation>berichtigte Schichten: {count}</translation>
    </message>
    <message>
        <source>others</source>
        <translation>andere</translation>
    </message>
</context>
<context>
    <name>recovery.unsaved_labels</name>
    <message>
        <source>Labels are not kept in case Slicer crashes. {reason}</source>
        <translation>Angaben werden für den Fall eines Absturzes von Slicer nicht aufbewahrt. {reason}</translation>
    </message>
    <message>
        <source>Save the scene often.</source>
        <translation>Speichern Sie die Szene oft.</translation>
    </message>
</context>
<context>
    <name>recovery.unsaved_offer</name>
    <message>
        <source>Labels that Slicer did not save before it crashed cannot be read: {reason}</source>
        <translation>Angaben, die Slicer vor seinem Absturz nicht gespeichert hat, lassen sich nicht lesen: {reason}</translation>
    </message>
    <message>
        <source>Their file is kept: {file}</source>
        <translation>Ihre Datei wird aufbewahrt: {file}</translation>
    </message>
</context>
<context>
    <name>results.correction_steps</name>
    <message>
        <source>Choose a volume first.</source>
        <translation>Wählen Sie zuerst ein Volumen.</translation>
    </message>
    <message>
        <source>Choose a mask first.</source>
        <translation>Wählen Sie zuerst eine Maske.</translation>
    </message>
    <message>
        <source>The volume is not ready yet, or cannot be used.</source>
        <translation>Das Volumen ist noch nicht bereit oder nicht verwendbar.</translation>
    </message>
    <message>
        <source>Add a class first.</source>
        <translation>Fügen Sie zuerst eine Klasse hinzu.</translation>
    </message>
    <message>
        <source>There is no volume to tag.</source>
        <translation>Es gibt kein Volumen zum Markieren.</translation>
    </message>
    <message>
        <source>Choose one in Volumes.</source>
        <translation>Wählen Sie eines unter Volumen.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; stays reviewed: what you correct counts as right.</source>
        <translation>&apos;{name}&apos; bleibt geprüft: Was Sie korrigieren, gilt als richtig.</translation>
    </message>
</context>
<context>
    <name>results.correction_words</name>
    <message>
        <source>correct slice {slices} of &apos;{name}&apos;</source>
        <translation>Korrektur von Schicht {slices} von &apos;{name}&apos;</translation>
    </message>
    <message>
        <source>correct slices {slices} of &apos;{name}&apos;</source>
        <translation>Korrektur der Schichten {slices} von &apos;{name}&apos;</translation>
    </message>
    <message>
        <source>correct {count} classes on slices {slices}</source>
        <translation>Korrektur von {count} Klassen auf den Schichten {slices}</translation>
    </message>
    <message>
        <source>give slice {slices} of &apos;{name}&apos; back</source>
        <translation>Rückgabe von Schicht {slices} von &apos;{name}&apos;</translation>
    </message>
    <message>
        <source>give slices {slices} of &apos;{name}&apos; back</source>
        <translation>Rückgabe der Schichten {slices} von &apos;{name}&apos;</translation>
    </message>
    <message>
        <source>give {count} classes on slices {slices} back</source>
        <translation>Rückgabe von {count} Klassen auf den Schichten {slices}</translation>
    </message>
</context>
<context>
    <name>results.corrections</name>
    <message>
        <source>mark slice {index} as fine</source>
        <translation>Schicht {index} als gut markieren</translation>
    </message>
    <message>
        <source>mark slice {index} as not fine</source>
        <translation>Schicht {index} als nicht gut markieren</translation>
    </message>
    <message>
        <source>take slice {index} as right</source>
        <translation>Schicht {index} als richtig übernehmen</translation>
    </message>
    <message>
        <source>scribble &apos;{name}&apos; on slice {index}</source>
        <translation>&apos;{name}&apos; auf Schicht {index} anstreichen</translation>
    </message>
    <message>
        <source>scribble &apos;{name}&apos; on slices {first} to {last}</source>
        <translation>&apos;{name}&apos; auf den Schichten {first} bis {last} anstreichen</translation>
    </message>
    <message>
        <source>draw slice {index} of &apos;{name}&apos;</source>
        <translation>Schicht {index} von &apos;{name}&apos; zeichnen</translation>
    </message>
    <message>
        <source>empty slice {index} of &apos;{name}&apos;</source>
        <translation>Schicht {index} von &apos;{name}&apos; leeren</translation>
    </message>
</context>
<context>
    <name>results.export_panel</name>
    <message>
        <source>There are no masks yet; generate some in section 4.</source>
        <translation>Es gibt noch keine Masken; erzeugen Sie welche in Abschnitt 4.</translation>
    </message>
    <message>
        <source>All {count} volumes of the run</source>
        <translation>Alle {count} Volumina des Laufs</translation>
    </message>
    <message>
        <source>Files of several volumes are called by the names of the volumes.</source>
        <translation>Dateien mehrerer Volumina heißen nach den Volumina.</translation>
    </message>
    <message>
        <source>What the names of the files begin with</source>
        <translation>Womit die Namen der Dateien beginnen</translation>
    </message>
    <message>
        <source>No report is written.</source>
        <translation>Es wird kein Bericht geschrieben.</translation>
    </message>
    <message>
        <source>Names of volumes may be names of patients; without them volumes are numbered</source>
        <translation>Namen von Volumina können Patientennamen sein; ohne sie werden die Volumina nummeriert</translation>
    </message>
    <message>
        <source>Write these files</source>
        <translation>Diese Dateien schreiben</translation>
    </message>
    <message>
        <source>The masks of the run under review are not in the scene; load them in section 5.</source>
        <translation>Die Masken des Laufs, der geprüft wird, sind nicht in der Szene; laden Sie sie in Abschnitt 5.</translation>
    </message>
    <message>
        <source>Choose a volume above.</source>
        <translation>Wählen Sie oben ein Volumen.</translation>
    </message>
    <message>
        <source>&apos;{volume}&apos; has no masks in the run under review.</source>
        <translation>„{volume}“ hat keine Masken aus dem Lauf, der geprüft wird.</translation>
    </message>
    <message>
        <source>✓ 1 file written to {link}{folder}{end}</source>
        <translation>✓ 1 Datei geschrieben nach {link}{folder}{end}</translation>
    </message>
    <message>
        <source>✓ {count} files written to {link}{folder}{end}</source>
        <translation>✓ {count} Dateien geschrieben nach {link}{folder}{end}</translation>
    </message>
    <message>
        <source>and {count} more</source>
        <translation>und {count} weitere</translation>
    </message>
    <message>
        <source>The run folder is gone, and the report needs it.</source>
        <translation>Der Laufordner ist nicht mehr vorhanden; der Bericht benötigt ihn.</translation>
    </message>
    <message>
        <source>Files are being written.</source>
        <translation>Dateien werden geschrieben.</translation>
    </message>
    <message>
        <source>Nothing to write is checked.</source>
        <translation>Es ist keine Datei zum Schreiben angekreuzt.</translation>
    </message>
    <message>
        <source>Choose a folder.</source>
        <translation>Wählen Sie einen Ordner.</translation>
    </message>
    <message>
        <source>Writing ...</source>
        <translation>Wird geschrieben ...</translation>
    </message>
    <message>
        <source>These files exist already:
{names}

Overwrite them?</source>
        <translation>Diese Dateien gibt es bereits:
{names}

Überschreiben?</translation>
    </message>
    <message>
        <source>Overwrite files</source>
        <translation>Dateien überschreiben</translation>
    </message>
</context>
<context>
    <name>results.export_work</name>
    <message>
        <source>The folder {folder} does not exist.</source>
        <translation>Der Ordner {folder} existiert nicht.</translation>
    </message>
    <message>
        <source>Make it, or choose another one.</source>
        <translation>Legen Sie ihn an, oder wählen Sie einen anderen.</translation>
    </message>
    <message>
        <source>{name} is not a file name.</source>
        <translation>{name} ist kein Dateiname.</translation>
    </message>
    <message>
        <source>Leave folders out of it; choose the folder above.</source>
        <translation>Geben Sie hier keinen Ordner an; wählen Sie den Ordner oben.</translation>
    </message>
    <message>
        <source>Type a name for the files.</source>
        <translation>Geben Sie einen Namen für die Dateien ein.</translation>
    </message>
    <message>
        <source>The name of a file cannot have {letter} in it.</source>
        <translation>Im Namen einer Datei darf {letter} nicht vorkommen.</translation>
    </message>
</context>
<context>
    <name>results.exports</name>
    <message>
        <source>Segments that belong to no class, and so are not in the label map: {count}.</source>
        <translation>Segmente, die zu keiner Klasse gehören und daher nicht in der Labelmap enthalten sind: {count}.</translation>
    </message>
    <message>
        <source>Voxels of several classes, of which a label map holds but one (the inner one, else the later one in the table; a .seg.nrrd keeps all): {count}.</source>
        <translation>Voxel mehrerer Klassen, von denen eine Labelmap nur eine enthält (die innere, sonst die in der Tabelle spätere; eine .seg.nrrd behält alle): {count}.</translation>
    </message>
    <message>
        <source>The volume of {name} is not in the scene.</source>
        <translation>Das Volumen von {name} ist nicht in der Szene.</translation>
    </message>
    <message>
        <source>Load it, or choose it in the Segmentations module.</source>
        <translation>Laden Sie es, oder wählen Sie es im Modul Segmentations.</translation>
    </message>
    <message>
        <source>The file name {name} does not end in {suffix}.</source>
        <translation>Der Dateiname {name} endet nicht auf {suffix}.</translation>
    </message>
    <message>
        <source>Add the ending.</source>
        <translation>Fügen Sie die Endung hinzu.</translation>
    </message>
    <message>
        <source>There are no segments to export.</source>
        <translation>Es gibt keine Segmente zu exportieren.</translation>
    </message>
    <message>
        <source>Generate masks first.</source>
        <translation>Erzeugen Sie zuerst Masken.</translation>
    </message>
    <message>
        <source>A label map holds the classes of the table; export a .seg.nrrd for other segments.</source>
        <translation>Eine Labelmap enthält die Klassen der Tabelle; exportieren Sie für andere Segmente eine .seg.nrrd.</translation>
    </message>
    <message>
        <source>None of the segments is a class of the table.</source>
        <translation>Keines der Segmente ist eine Klasse der Tabelle.</translation>
    </message>
    <message>
        <source>Partly outside of the volume, and not in the file there: {names}.</source>
        <translation>Zum Teil außerhalb des Volumens und dort nicht in der Datei: {names}.</translation>
    </message>
    <message>
        <source>Resampled to the voxels of the volume: {names}.</source>
        <translation>Auf die Voxel des Volumens umgerechnet: {names}.</translation>
    </message>
    <message>
        <source>Empty, as it is not in this volume by its labels: {names}.</source>
        <translation>Leer, da es nach den Angaben nicht in diesem Volumen ist: {names}.</translation>
    </message>
    <message>
        <source>Empty, as nothing was looked for, found or left of it: {names}.</source>
        <translation>Leer, da nichts davon gesucht, gefunden oder übrig gelassen wurde: {names}.</translation>
    </message>
    <message>
        <source>On the voxels of the volume, which was moved or given another spacing since they were made: {names}.</source>
        <translation>Auf den Voxeln des Volumens, das seit ihrer Erzeugung verschoben wurde oder eine andere Voxelgröße bekam: {names}.</translation>
    </message>
</context>
<context>
    <name>results.fine_slices</name>
    <message>
        <source>mark slice {index} as fine</source>
        <translation>Schicht {index} als gut vermerken</translation>
    </message>
    <message>
        <source>mark slice {index} as not fine</source>
        <translation>Schicht {index} als nicht gut vermerken</translation>
    </message>
    <message>
        <source>mark {name} as reviewed</source>
        <translation>{name} als geprüft vermerken</translation>
    </message>
    <message>
        <source>mark {name} as not reviewed</source>
        <translation>{name} als nicht geprüft vermerken</translation>
    </message>
</context>
<context>
    <name>results.giving_back</name>
    <message>
        <source>The masks stay as they are, as the machine&apos;s: {reason}</source>
        <translation>Die Masken bleiben, wie sie sind, als die der Maschine: {reason}</translation>
    </message>
    <message>
        <source>The masks were generated with what you drew on {slices}: these stay as they are. The next Update draws it.</source>
        <translation>Die Masken wurden mit dem erzeugt, was Sie auf {slices} gezeichnet hatten: Diese bleiben, wie sie sind. Das nächste Aktualisieren zeichnet sie neu.</translation>
    </message>
</context>
<context>
    <name>results.machine_masks</name>
    <message>
        <source>The run folder holds no mask of &apos;{name}&apos;.</source>
        <translation>Der Ordner des Laufs enthält keine Maske von &apos;{name}&apos;.</translation>
    </message>
    <message>
        <source>Generate the masks again.</source>
        <translation>Erzeugen Sie die Masken neu.</translation>
    </message>
    <message>
        <source>The masks of the run do not fit the volume {name}: it changed since.</source>
        <translation>Die Masken des Laufs passen nicht zum Volumen {name}: Es hat sich seither geändert.</translation>
    </message>
</context>
<context>
    <name>results.mask_updates</name>
    <message>
        <source>An update is under way.</source>
        <translation>Eine Aktualisierung ist im Gange.</translation>
    </message>
    <message>
        <source>A run is under way. Wait until it has ended, or cancel it.</source>
        <translation>Ein Lauf ist im Gang. Warten Sie, bis er zu Ende ist, oder brechen Sie ihn ab.</translation>
    </message>
    <message>
        <source>There are no masks of this volume yet. Generate them in section 4.</source>
        <translation>Von diesem Volumen gibt es noch keine Masken. Erzeugen Sie sie in Abschnitt 4.</translation>
    </message>
    <message>
        <source>A model of the published method is not moved by corrections. Generate by the preset fast.</source>
        <translation>Ein Modell der veröffentlichten Methode lernt nicht aus Korrekturen. Erzeugen Sie Masken mit der Voreinstellung fast.</translation>
    </message>
    <message>
        <source>The masks of {name} are ready; they come when that volume is under review again.</source>
        <translation>Die Masken von {name} sind fertig; sie kommen, wenn dieses Volumen wieder geprüft wird.</translation>
    </message>
    <message>
        <source>The run folder {folder} is gone.</source>
        <translation>Der Laufordner {folder} ist nicht mehr vorhanden.</translation>
    </message>
    <message>
        <source>Update again.</source>
        <translation>Aktualisieren Sie noch einmal.</translation>
    </message>
    <message>
        <source>The update was cancelled.</source>
        <translation>Die Aktualisierung wurde abgebrochen.</translation>
    </message>
    <message>
        <source>The run folder with the model of these masks is gone. Generate again: corrected slices count there too.</source>
        <translation>Der Ordner des Laufs mit dem Modell dieser Masken ist nicht mehr da. Erzeugen Sie neu: Korrigierte Schichten zählen auch dort.</translation>
    </message>
    <message>
        <source>The classes changed since these masks were made. Generate again: corrected slices count there too.</source>
        <translation>Die Klassen haben sich geändert, seit diese Masken entstanden. Erzeugen Sie neu: Korrigierte Schichten zählen auch dort.</translation>
    </message>
    <message>
        <source>There was no update.</source>
        <translation>Es gab keine Aktualisierung.</translation>
    </message>
    <message>
        <source>{count} volumes, {time}</source>
        <translation>{count} Volumen, {time}</translation>
    </message>
    <message>
        <source>{count} slices were drawn anew.</source>
        <translation>{count} Schichten wurden neu gezeichnet.</translation>
    </message>
    <message>
        <source>No slice changed.</source>
        <translation>Keine Schicht hat sich geändert.</translation>
    </message>
</context>
<context>
    <name>results.masks_updated</name>
    <message>
        <source>update the masks</source>
        <translation>Masken aktualisieren</translation>
    </message>
</context>
<context>
    <name>results.moved_masks</name>
    <message>
        <source>{volume} was moved or given another spacing: its masks lie where it was.</source>
        <translation>{volume} wurde verschoben oder bekam einen anderen Voxelabstand: Seine Masken liegen, wo es war.</translation>
    </message>
</context>
<context>
    <name>results.noted_grids</name>
    <message>
        <source>{segmentation} and {volume} are under different transforms that bend.</source>
        <translation>{segmentation} und {volume} liegen unter verschiedenen verformenden Transformationen.</translation>
    </message>
    <message>
        <source>Put both under the same transform, or harden it.</source>
        <translation>Legen Sie beide unter dieselbe Transformation, oder wenden Sie diese dauerhaft an (Harden transform).</translation>
    </message>
</context>
<context>
    <name>results.report</name>
    <message>
        <source>WeakMedSAM report</source>
        <translation>WeakMedSAM-Bericht</translation>
    </message>
    <message>
        <source>Volume {id}</source>
        <translation>Volumen {id}</translation>
    </message>
    <message>
        <source>Class</source>
        <translation>Klasse</translation>
    </message>
    <message>
        <source>Slices with a mask</source>
        <translation>Schichten mit Maske</translation>
    </message>
    <message>
        <source>Confidence</source>
        <translation>Sicherheit</translation>
    </message>
    <message>
        <source>Reviewed</source>
        <translation>Geprüft</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>Größe</translation>
    </message>
    <message>
        <source>{plane}, slice {index} of {count}.</source>
        <translation>{plane}, Schicht {index} von {count}.</translation>
    </message>
    <message>
        <source>Sagittal</source>
        <translation>Sagittal</translation>
    </message>
    <message>
        <source>Coronal</source>
        <translation>Koronar</translation>
    </message>
    <message>
        <source>Axial</source>
        <translation>Axial</translation>
    </message>
    <message>
        <source>For research only. Masks that are not yet reviewed have been checked by nobody.</source>
        <translation>Nur für die Forschung. Masken, die noch nicht geprüft sind, hat sich niemand angesehen.</translation>
    </message>
    <message>
        <source>yes</source>
        <translation>ja</translation>
    </message>
    <message>
        <source>not in this volume, by its tags</source>
        <translation>nicht in diesem Volumen, nach seinen Markierungen</translation>
    </message>
    <message>
        <source>nothing found</source>
        <translation>nichts gefunden</translation>
    </message>
    <message>
        <source>not yet</source>
        <translation>noch nicht</translation>
    </message>
    <message>
        <source>These masks were drawn by an update of {time}, which learned from what a reader had said of slices:</source>
        <translation>Diese Masken hat eine Aktualisierung vom {time} gezeichnet; sie lernte aus dem, was bis dahin über Schichten gesagt war:</translation>
    </message>
    <message>
        <source>The run folder does not say any more what that was.</source>
        <translation>Was das war, sagt der Ordner des Laufs nicht mehr.</translation>
    </message>
    <message>
        <source>Slices drawn</source>
        <translation>Gezeichnete Schichten</translation>
    </message>
    <message>
        <source>Slices fine</source>
        <translation>Schichten, die gut sind</translation>
    </message>
    <message>
        <source>Slices known in part</source>
        <translation>Teilweise bekannte Schichten</translation>
    </message>
    <message>
        <source>Masks generated from slice tags</source>
        <translation>Aus Schichtmarkierungen erzeugte Masken</translation>
    </message>
    <message>
        <source>Run {id}, {created}.</source>
        <translation>Lauf {id}, {created}.</translation>
    </message>
    <message>
        <source>no</source>
        <translation>nein</translation>
    </message>
    <message>
        <source>Setting</source>
        <translation>Einstellung</translation>
    </message>
    <message>
        <source>Value</source>
        <translation>Wert</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>Einstellungen</translation>
    </message>
    <message>
        <source>Program</source>
        <translation>Programm</translation>
    </message>
    <message>
        <source>Version</source>
        <translation>Version</translation>
    </message>
    <message>
        <source>Versions</source>
        <translation>Versionen</translation>
    </message>
    <message>
        <source>Confidence says how good a mask can be expected to be, by how far several ways to draw it agree; it is not accuracy.</source>
        <translation>Die Sicherheit gibt an, wie gut eine Maske voraussichtlich ist, danach, wie weit mehrere Arten, sie zu zeichnen, übereinstimmen; sie ist kein Maß für die Genauigkeit.</translation>
    </message>
    <message>
        <source>automatic</source>
        <translation>automatisch</translation>
    </message>
</context>
<context>
    <name>results.result_loading</name>
    <message>
        <source>The volume {name} or its segmentation was removed from the scene.</source>
        <translation>Das Volumen {name} oder seine Segmentierung wurde aus der Szene entfernt.</translation>
    </message>
    <message>
        <source>Undo that, then choose &apos;Load masks into the scene&apos; in section 5, Review.</source>
        <translation>Machen Sie das rückgängig, und wählen Sie dann „Masken in die Szene laden“ in Abschnitt 5, Prüfen.</translation>
    </message>
    <message>
        <source>{segmentation} belongs to no volume, so it is not known whose masks to add to it.</source>
        <translation>{segmentation} gehört zu keinem Volumen; daher ist nicht bekannt, wessen Masken hinzugefügt werden sollen.</translation>
    </message>
    <message>
        <source>{segmentation} belongs to the volume {volume}, which is not in this run.</source>
        <translation>{segmentation} gehört zum Volumen {volume}, das nicht Teil dieses Laufs ist.</translation>
    </message>
    <message>
        <source>Choose a segmentation of a volume of this run, or none for new ones.</source>
        <translation>Wählen Sie eine Segmentierung eines Volumens dieses Laufs, oder keine, damit neue angelegt werden.</translation>
    </message>
    <message>
        <source>The masks of {name} do not fit the volume {volume}: its size or position changed since.</source>
        <translation>Die Masken von {name} passen nicht zum Volumen {volume}: Seine Größe oder Lage hat sich seither geändert.</translation>
    </message>
    <message>
        <source>Choose the volume of that run, or generate again.</source>
        <translation>Wählen Sie das Volumen jenes Laufs, oder erzeugen Sie die Masken neu.</translation>
    </message>
    <message>
        <source>The voxels of {volume} changed since the run began, so its masks were not loaded.</source>
        <translation>Die Voxel von {volume} haben sich seit Beginn des Laufs geändert; die Masken dazu wurden daher nicht geladen.</translation>
    </message>
    <message>
        <source>Undo the change and choose &apos;Load masks into the scene&apos; in section 5, Review, or generate again.</source>
        <translation>Machen Sie die Änderung rückgängig, und wählen Sie „Masken in die Szene laden“ in Abschnitt 5, Prüfen, oder erzeugen Sie die Masken neu.</translation>
    </message>
</context>
<context>
    <name>results.review_panel</name>
    <message>
        <source>All runs of this scene, the latest first. This one: {run}</source>
        <translation>Alle Läufe dieser Szene, der neueste zuerst. Dieser: {run}</translation>
    </message>
    <message>
        <source>Masks appear here once they are generated. &apos;Correct&apos; draws on slices before, too.</source>
        <translation>Masken erscheinen hier, sobald sie erzeugt sind. „Korrigieren“ zeichnet schon vorher auf Schichten.</translation>
    </message>
    <message>
        <source>This run has no masks.</source>
        <translation>Dieser Lauf hat keine Masken.</translation>
    </message>
    <message>
        <source>The masks of this run are not in the scene.</source>
        <translation>Die Masken dieses Laufs sind nicht in der Szene.</translation>
    </message>
    <message>
        <source>Show {volume} here and in the views, with its masks</source>
        <translation>{volume} hier und in den Ansichten zeigen, mit seinen Masken</translation>
    </message>
    <message>
        <source>A run is under way.</source>
        <translation>Ein Lauf ist im Gange.</translation>
    </message>
    <message>
        <source>Load the masks of this run from its folder</source>
        <translation>Masken dieses Laufs aus seinem Ordner laden</translation>
    </message>
    <message>
        <source>{volume} is not part of this run.</source>
        <translation>{volume} gehört nicht zu diesem Lauf.</translation>
    </message>
    <message>
        <source>No volume is chosen.</source>
        <translation>Kein Volumen ist gewählt.</translation>
    </message>
    <message>
        <source>Choose a mask first.</source>
        <translation>Wählen Sie zuerst eine Maske.</translation>
    </message>
    <message>
        <source>Correct the chosen mask by hand; come back here afterwards</source>
        <translation>Gewählte Maske von Hand korrigieren; kehren Sie danach hierher zurück</translation>
    </message>
    <message>
        <source>There are no masks.</source>
        <translation>Es gibt keine Masken.</translation>
    </message>
    <message>
        <source>Show the masks as surfaces</source>
        <translation>Masken als Oberflächen zeigen</translation>
    </message>
    <message>
        <source>No view of this layout shows these slices. Choose another layout, such as Four-Up.</source>
        <translation>Keine Ansicht dieser Anordnung zeigt diese Schichten. Wählen Sie eine andere Anordnung, etwa „Four-Up“.</translation>
    </message>
</context>
<context>
    <name>results.review_slices</name>
    <message>
        <source>Slice</source>
        <translation>Schicht</translation>
    </message>
    <message>
        <source>Least sure</source>
        <translation>Am unsichersten</translation>
    </message>
    <message>
        <source>Why</source>
        <translation>Warum</translation>
    </message>
    <message>
        <source>Slice {index} of {count}: {state}</source>
        <translation>Schicht {index} von {count}: {state}</translation>
    </message>
    <message>
        <source>Slices, the &amp;least sure first: {done} of {count} fine</source>
        <translation>Schichten, die &amp;unsichersten zuerst: {done} von {count} gut</translation>
    </message>
    <message>
        <source>Slices, changed and &amp;least sure first: {done} of {count} fine</source>
        <translation>Schichten, geänderte und &amp;unsicherste zuerst: {done} von {count} gut</translation>
    </message>
    <message>
        <source>The slice that is shown is fine for all classes; go on to the next ({key}, or Return in the list)</source>
        <translation>Die gezeigte Schicht ist für alle Klassen gut; weiter zur nächsten ({key}, oder Eingabetaste in der Liste)</translation>
    </message>
    <message>
        <source>All slices of the list are marked as fine.</source>
        <translation>Alle Schichten der Liste sind als gut vermerkt.</translation>
    </message>
</context>
<context>
    <name>results.review_states</name>
    <message>
        <source>✓ reviewed</source>
        <translation>✓ geprüft</translation>
    </message>
    <message>
        <source>All masks of this run are reviewed: {run}</source>
        <translation>Alle Masken dieses Laufs sind geprüft: {run}</translation>
    </message>
    <message>
        <source>Still to be reviewed: {names}
Masks of this run: {run}</source>
        <translation>Noch zu prüfen: {names}
Masken dieses Laufs: {run}</translation>
    </message>
    <message>
        <source>{count} to review</source>
        <translation>{count} zu prüfen</translation>
    </message>
</context>
<context>
    <name>results.review_subject</name>
    <message>
        <source>being prepared</source>
        <translation>in Vorbereitung</translation>
    </message>
    <message>
        <source>running</source>
        <translation>läuft</translation>
    </message>
    <message>
        <source>finished</source>
        <translation>abgeschlossen</translation>
    </message>
    <message>
        <source>cancelled</source>
        <translation>abgebrochen</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>fehlgeschlagen</translation>
    </message>
    <message>
        <source>This run made no masks of this volume.</source>
        <translation>Dieser Lauf hat von diesem Volumen keine Masken erzeugt.</translation>
    </message>
    <message>
        <source>⚠ Nothing is known about how good these masks are: check every slice.</source>
        <translation>⚠ Über die Güte dieser Masken ist nichts bekannt: Prüfen Sie jede Schicht.</translation>
    </message>
    <message>
        <source>⚠ Low confidence ({percent} %): check every slice.</source>
        <translation>⚠ Geringe Sicherheit ({percent} %): Prüfen Sie jede Schicht.</translation>
    </message>
    <message>
        <source>Confidence says how good a mask can be expected to be, by how far several ways to draw it agree; it is not accuracy.</source>
        <translation>Die Sicherheit gibt an, wie gut eine Maske voraussichtlich ist, danach, wie weit mehrere Arten, sie zu zeichnen, übereinstimmen; sie ist kein Maß für die Genauigkeit.</translation>
    </message>
    <message>
        <source>{reviewed} of {count} reviewed</source>
        <translation>{reviewed} von {count} geprüft</translation>
    </message>
    <message>
        <source>low confidence</source>
        <translation>geringe Sicherheit</translation>
    </message>
    <message>
        <source>1 volume</source>
        <translation>1 Volumen</translation>
    </message>
    <message>
        <source>{count} volumes</source>
        <translation>{count} Volumina</translation>
    </message>
    <message>
        <source>{run} (latest)</source>
        <translation>{run} (neuester)</translation>
    </message>
</context>
<context>
    <name>results.review_tables</name>
    <message>
        <source>Mask</source>
        <translation>Maske</translation>
    </message>
    <message>
        <source>Confidence</source>
        <translation>Sicherheit</translation>
    </message>
    <message>
        <source>Reviewed</source>
        <translation>Geprüft</translation>
    </message>
    <message>
        <source>ml</source>
        <translation>ml</translation>
    </message>
    <message>
        <source>Check it when the mask is right: its slices are fine then. It checks itself once all of them are.</source>
        <translation>Ankreuzen, wenn die Maske richtig ist: Ihre Schichten sind dann gut. Sind alle gut, wird sie von selbst angekreuzt.</translation>
    </message>
    <message>
        <source>yes</source>
        <translation>ja</translation>
    </message>
    <message>
        <source>no</source>
        <translation>nein</translation>
    </message>
    <message>
        <source>changed</source>
        <translation>geändert</translation>
    </message>
    <message>
        <source>It was changed since it was reviewed. Check it when it is right again.</source>
        <translation>Sie wurde geändert, seit sie geprüft wurde. Kreuzen Sie sie an, wenn sie wieder stimmt.</translation>
    </message>
</context>
<context>
    <name>results.review_threshold</name>
    <message>
        <source>Probabilities are being read ...</source>
        <translation>Wahrscheinlichkeiten werden gelesen ...</translation>
    </message>
    <message>
        <source>The mask becomes all voxels at least this probable, except where you corrected it; lower: larger</source>
        <translation>Die Maske wird zu allen Voxeln, die mindestens so wahrscheinlich sind, außer wo Sie sie korrigiert haben; niedriger: größer</translation>
    </message>
    <message>
        <source>Make the mask as it was generated</source>
        <translation>Maske auf den erzeugten Stand zurücksetzen</translation>
    </message>
    <message>
        <source>Choose a mask to change its threshold.</source>
        <translation>Wählen Sie eine Maske, um ihre Schwelle zu ändern.</translation>
    </message>
    <message>
        <source>The volume of this mask is not in the scene.</source>
        <translation>Das Volumen dieser Maske ist nicht in der Szene.</translation>
    </message>
    <message>
        <source>There are no probabilities for this mask: its run folder is gone.</source>
        <translation>Für diese Maske gibt es keine Wahrscheinlichkeiten: Ihr Laufordner ist nicht mehr vorhanden.</translation>
    </message>
    <message>
        <source>Drawn at a probability of {percent} %.</source>
        <translation>Gezeichnet bei einer Wahrscheinlichkeit von {percent} %.</translation>
    </message>
    <message>
        <source>All masks were moved along with their volume.</source>
        <translation>Alle Masken wurden mit ihrem Volumen verschoben.</translation>
    </message>
</context>
<context>
    <name>results.run_results</name>
    <message>
        <source>It was deleted or lies on another computer. The masks in the scene stay; generate again for the rest.</source>
        <translation>Er wurde gelöscht oder liegt auf einem anderen Computer. Die Masken in der Szene bleiben; für alles Weitere erzeugen Sie sie neu.</translation>
    </message>
    <message>
        <source>The run folder {folder} is gone.</source>
        <translation>Der Laufordner {folder} ist nicht mehr vorhanden.</translation>
    </message>
    <message>
        <source>unknown</source>
        <translation>unbekannt</translation>
    </message>
    <message>
        <source>good</source>
        <translation>gut</translation>
    </message>
    <message>
        <source>fair</source>
        <translation>mittel</translation>
    </message>
    <message>
        <source>doubtful</source>
        <translation>fraglich</translation>
    </message>
    <message>
        <source>low</source>
        <translation>gering</translation>
    </message>
    <message>
        <source>{percent} %, {word}</source>
        <translation>{percent} %, {word}</translation>
    </message>
    <message>
        <source>{ml} ml</source>
        <translation>{ml} ml</translation>
    </message>
</context>
<context>
    <name>results.segment_history</name>
    <message>
        <source>add generated segments</source>
        <translation>erzeugte Segmente hinzufügen</translation>
    </message>
    <message>
        <source>change the threshold</source>
        <translation>Schwelle ändern</translation>
    </message>
    <message>
        <source>The segment was removed.</source>
        <translation>Das Segment wurde entfernt.</translation>
    </message>
    <message>
        <source>Generate the masks again.</source>
        <translation>Erzeugen Sie die Masken neu.</translation>
    </message>
</context>
<context>
    <name>results.segment_making</name>
    <message>
        <source>{volume} masks</source>
        <translation>{volume} Masken</translation>
    </message>
</context>
<context>
    <name>results.segment_moves</name>
    <message>
        <source>move the masks along with their volume</source>
        <translation>Masken mit ihrem Volumen verschieben</translation>
    </message>
</context>
<context>
    <name>results.segment_tags</name>
    <message>
        <source>The segmentation {name} holds surfaces, not voxels.</source>
        <translation>Die Segmentierung {name} enthält Oberflächen, keine Voxel.</translation>
    </message>
    <message>
        <source>Choose another segmentation, or a new one.</source>
        <translation>Wählen Sie eine andere Segmentierung oder eine neue.</translation>
    </message>
</context>
<context>
    <name>results.segmentation_file</name>
    <message>
        <source>Slicer could not describe the segmentation.</source>
        <translation>Slicer konnte die Segmentierung nicht beschreiben.</translation>
    </message>
    <message>
        <source>Check that there is room on the disk of temporary files.</source>
        <translation>Prüfen Sie, ob auf dem Datenträger für temporäre Dateien genug Platz ist.</translation>
    </message>
</context>
<context>
    <name>results.slice_rows</name>
    <message>
        <source>{percent} %</source>
        <translation>{percent} %</translation>
    </message>
    <message>
        <source>not drawn</source>
        <translation>nicht gezeichnet</translation>
    </message>
    <message>
        <source>changed by the update</source>
        <translation>durch das Aktualisieren geändert</translation>
    </message>
    <message>
        <source>perhaps missed</source>
        <translation>evtl. übersehen</translation>
    </message>
    <message>
        <source>perhaps not there</source>
        <translation>evtl. nicht da</translation>
    </message>
    <message>
        <source>outline unsure</source>
        <translation>Umriss unsicher</translation>
    </message>
    <message>
        <source>tag confirmed</source>
        <translation>Markierung bestätigt</translation>
    </message>
    <message>
        <source>tag corrected</source>
        <translation>Markierung berichtigt</translation>
    </message>
    <message>
        <source>tag? {why}</source>
        <translation>Markierung? {why}</translation>
    </message>
    <message>
        <source>{name}: tagged present, nothing drawn</source>
        <translation>{name}: als vorhanden markiert, nichts gezeichnet</translation>
    </message>
    <message>
        <source>marked as fine</source>
        <translation>als gut vermerkt</translation>
    </message>
    <message>
        <source>tagged present, nothing drawn</source>
        <translation>als vorhanden markiert, nichts gezeichnet</translation>
    </message>
    <message>
        <source>unsure</source>
        <translation>unsicher</translation>
    </message>
    <message>
        <source>rather sure</source>
        <translation>ziemlich sicher</translation>
    </message>
    <message>
        <source>looks like {names} (swapped?)</source>
        <translation>sieht nach {names} aus (vertauscht?)</translation>
    </message>
    <message>
        <source>the range seems to end before</source>
        <translation>der Bereich scheint vorher zu enden</translation>
    </message>
    <message>
        <source>shown alone, does not look like the class</source>
        <translation>allein vorhanden, sieht nicht nach der Klasse aus</translation>
    </message>
    <message>
        <source>this whole range does not look like the class: wrong volume?</source>
        <translation>dieser ganze Bereich sieht nicht nach der Klasse aus: falsches Volumen?</translation>
    </message>
    <message>
        <source>looks like another class (swapped?)</source>
        <translation>sieht nach einer anderen Klasse aus (vertauscht?)</translation>
    </message>
    <message>
        <source>tagged absent, the range seems to go on</source>
        <translation>als abwesend markiert, der Bereich scheint weiterzugehen</translation>
    </message>
    <message>
        <source>tagged absent, but looks like the class</source>
        <translation>als abwesend markiert, sieht aber nach der Klasse aus</translation>
    </message>
</context>
<context>
    <name>results.surfaces</name>
    <message>
        <source>The surfaces could not be made.</source>
        <translation>Die Oberflächen konnten nicht erstellt werden.</translation>
    </message>
    <message>
        <source>Check that the masks are not empty, and look into the log.</source>
        <translation>Prüfen Sie, ob die Masken nicht leer sind, und sehen Sie im Log nach.</translation>
    </message>
</context>
<context>
    <name>results.tag_answers</name>
    <message>
        <source>It stays: {tag}. It is not doubted again ({key} in the list)</source>
        <translation>Es bleibt: {tag}. Das wird nicht wieder angezweifelt ({key} in der Liste)</translation>
    </message>
    <message>
        <source>It becomes: {tag} ({key} in the list)</source>
        <translation>Es wird: {tag} ({key} in der Liste)</translation>
    </message>
    <message>
        <source>Boxes, points or drawings say so: change these.</source>
        <translation>Das sagen Boxen, Punkte oder Zeichnungen: Ändern Sie diese.</translation>
    </message>
    <message>
        <source>confirm: {tag}</source>
        <translation>bestätigen: {tag}</translation>
    </message>
    <message>
        <source>correct: {tag}</source>
        <translation>berichtigen: {tag}</translation>
    </message>
</context>
<context>
    <name>results.thresholds</name>
    <message>
        <source>The segment was removed.</source>
        <translation>Das Segment wurde entfernt.</translation>
    </message>
    <message>
        <source>Generate the masks again.</source>
        <translation>Erzeugen Sie die Masken neu.</translation>
    </message>
    <message>
        <source>The probabilities do not fit the volume {name}: it changed since.</source>
        <translation>Die Wahrscheinlichkeiten passen nicht zum Volumen {name}: Es hat sich seither geändert.</translation>
    </message>
</context>
<context>
    <name>results.unseen_slices</name>
    <message>
        <source>{unseen} of {count} slices of &apos;{name}&apos; were not looked at: {slices}.</source>
        <translation>{unseen} von {count} Schichten von &apos;{name}&apos; wurden nicht angesehen: {slices}.</translation>
    </message>
    <message>
        <source>Reviewed</source>
        <translation>Geprüft</translation>
    </message>
    <message>
        <source>Reviewed says that the mask is right on every slice, and the model learns that.</source>
        <translation>Geprüft heißt, dass die Maske auf jeder Schicht stimmt, und das Modell lernt es so.</translation>
    </message>
    <message>
        <source>Go there</source>
        <translation>Dorthin gehen</translation>
    </message>
    <message>
        <source>Mark all the same</source>
        <translation>Trotzdem markieren</translation>
    </message>
</context>
<context>
    <name>results.update_plans</name>
    <message>
        <source>{count} slices are encoded first, since this computer has not done so yet: {time} in all.</source>
        <translation>{count} Schichten werden zuerst kodiert, da dieser Computer es noch nicht getan hat: insgesamt {time}.</translation>
    </message>
</context>
<context>
    <name>results.update_writing</name>
    <message>
        <source>Other masks are under review than those that were to be updated.</source>
        <translation>Geprüft werden gerade andere Masken als die, die aktualisiert werden sollten.</translation>
    </message>
    <message>
        <source>Choose their volume, and update again.</source>
        <translation>Wählen Sie deren Volumen, und aktualisieren Sie noch einmal.</translation>
    </message>
    <message>
        <source>The slices of the volume are counted in another direction now.</source>
        <translation>Die Schichten des Volumens werden jetzt in einer anderen Richtung gezählt.</translation>
    </message>
    <message>
        <source>Update again.</source>
        <translation>Aktualisieren Sie noch einmal.</translation>
    </message>
</context>
<context>
    <name>running.dependencies</name>
    <message>
        <source>The PyTorch extension of Slicer is needed to install PyTorch. Open the Extensions Manager (View menu), install &apos;PyTorch&apos; and restart Slicer. Without network access use &apos;Install from a folder&apos;.</source>
        <translation>Zur Installation von PyTorch wird die Slicer-Erweiterung PyTorch benötigt. Öffnen Sie den Extensions Manager (Menü View), installieren Sie „PyTorch“ und starten Sie Slicer neu. Ohne Netzwerkzugang verwenden Sie „Aus Ordner installieren“.</translation>
    </message>
    <message>
        <source>This Slicer cannot install Python packages for extensions.</source>
        <translation>Dieses Slicer kann keine Python-Pakete für Erweiterungen installieren.</translation>
    </message>
    <message>
        <source>Use 3D Slicer 5.12 or newer.</source>
        <translation>Verwenden Sie 3D Slicer 5.12 oder neuer.</translation>
    </message>
    <message>
        <source>The PyTorch extension is missing.</source>
        <translation>Die Erweiterung PyTorch fehlt.</translation>
    </message>
</context>
<context>
    <name>running.device_chooser</name>
    <message>
        <source>{name} (not found on this computer)</source>
        <translation>{name} (auf diesem Computer nicht gefunden)</translation>
    </message>
    <message>
        <source>Wait until the run has ended.</source>
        <translation>Warten Sie, bis der Lauf zu Ende ist.</translation>
    </message>
    <message>
        <source>Devices are being looked for.</source>
        <translation>Geräte werden gesucht.</translation>
    </message>
    <message>
        <source>Look for devices again</source>
        <translation>Erneut nach Geräten suchen</translation>
    </message>
    <message>
        <source>Automatic (looking for devices...)</source>
        <translation>Automatisch (Geräte werden gesucht...)</translation>
    </message>
    <message>
        <source>Automatic ({device})</source>
        <translation>Automatisch ({device})</translation>
    </message>
    <message>
        <source>Automatic (the devices are not known)</source>
        <translation>Automatisch (die Geräte sind nicht bekannt)</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>Automatisch</translation>
    </message>
</context>
<context>
    <name>running.estimates</name>
    <message>
        <source>a few seconds</source>
        <translation>ein paar Sekunden</translation>
    </message>
    <message>
        <source>about {count} seconds</source>
        <translation>etwa {count} Sekunden</translation>
    </message>
    <message>
        <source>about a minute</source>
        <translation>etwa 1 Minute</translation>
    </message>
    <message>
        <source>about {count} minutes</source>
        <translation>etwa {count} Minuten</translation>
    </message>
    <message>
        <source>about {hours} h {minutes} min</source>
        <translation>etwa {hours} h {minutes} min</translation>
    </message>
    <message>
        <source>about {hours} h</source>
        <translation>etwa {hours} h</translation>
    </message>
    <message>
        <source>Time not measured; it trains networks: plan for a GPU.</source>
        <translation>Dauer nicht gemessen; Netze werden trainiert: GPU vorsehen.</translation>
    </message>
    <message>
        <source>Takes {time} on {device}.</source>
        <translation>Dauert {time} auf {device}.</translation>
    </message>
    <message>
        <source>Takes {time} on {device} (a guess).</source>
        <translation>Dauert {time} auf {device} (geschätzt).</translation>
    </message>
    <message>
        <source>Its time is known once a run with this preset has been measured on this computer.</source>
        <translation>Die Dauer ist bekannt, sobald auf diesem Computer ein Lauf mit diesem Verfahren gemessen wurde.</translation>
    </message>
    <message>
        <source>The time is from earlier runs on this computer.</source>
        <translation>Die Dauer ist die früherer Läufe auf diesem Computer.</translation>
    </message>
    <message>
        <source>The time is a guess: no run on this GPU has been measured yet.</source>
        <translation>Die Dauer ist geschätzt: Auf dieser GPU wurde noch kein Lauf gemessen.</translation>
    </message>
    <message>
        <source>The time is that of another computer; the first run here is measured.</source>
        <translation>Die Dauer ist die eines anderen Computers; der erste Lauf hier wird gemessen.</translation>
    </message>
    <message>
        <source>No slice is tagged yet, so there is nothing to learn from.</source>
        <translation>Es ist noch keine Schicht markiert; daher gibt es nichts, woraus gelernt werden kann.</translation>
    </message>
    <message>
        <source>Masks always need a look by a person.</source>
        <translation>Masken müssen immer von einem Menschen geprüft werden.</translation>
    </message>
    <message>
        <source>With one tagged volume, expect a first draft: on brain tumours we measured a Dice of 0.75 on average (1 would be as drawn by hand), with large differences between scans. More tagged volumes help most.</source>
        <translation>Mit einem markierten Volumen ist ein erster Entwurf zu erwarten: Bei Hirntumoren haben wir im Mittel einen Dice-Wert von 0,75 gemessen (1 wäre wie von Hand gezeichnet), mit großen Unterschieden zwischen den Aufnahmen. Mehr markierte Volumina helfen am meisten.</translation>
    </message>
    <message>
        <source>With {count} tagged volumes, expect better than from one alone (Dice 0.75 on brain tumours), and less than from 40 (0.84). {enough} or more volumes are a good aim.</source>
        <translation>Mit {count} markierten Volumina ist mehr zu erwarten als mit einem allein (Dice 0,75 bei Hirntumoren) und weniger als mit 40 (0,84). {enough} oder mehr Volumina sind ein gutes Ziel.</translation>
    </message>
    <message>
        <source>{count} tagged volumes are a good basis; with 40, brain tumours reached a Dice of 0.84.</source>
        <translation>{count} markierte Volumina sind eine gute Grundlage; mit 40 wurde bei Hirntumoren ein Dice-Wert von 0,84 erreicht.</translation>
    </message>
    <message>
        <source>{count} tagged volumes: with 40, brain tumours reached a Dice of 0.84.</source>
        <translation>{count} markierte Volumina: Mit 40 wurde bei Hirntumoren ein Dice-Wert von 0,84 erreicht.</translation>
    </message>
    <message>
        <source>Few slices show {name}: {count}.</source>
        <translation>Nur wenige Schichten zeigen {name}: {count}.</translation>
    </message>
    <message>
        <source>Few slices are tagged as not showing {name}: {count}.</source>
        <translation>Nur wenige Schichten sind für {name} als „nicht vorhanden“ markiert: {count}.</translation>
    </message>
</context>
<context>
    <name>running.generate_panel</name>
    <message>
        <source>Fast: learns in minutes, on CPU or GPU</source>
        <translation>Schnell: lernt in Minuten, auf CPU oder GPU</translation>
    </message>
    <message>
        <source>Paper: published method, defects fixed</source>
        <translation>Paper: veröffentlichte Methode, Fehler behoben</translation>
    </message>
    <message>
        <source>Reference: as published, to compare</source>
        <translation>Referenz: wie veröffentlicht, zum Vergleich</translation>
    </message>
    <message>
        <source>How masks are learned</source>
        <translation>Wie Masken gelernt werden</translation>
    </message>
    <message>
        <source>Learn from the tags and draw masks; Slicer can be used meanwhile.</source>
        <translation>Aus den Markierungen lernen und Masken zeichnen; Slicer bleibt dabei benutzbar.</translation>
    </message>
    <message>
        <source>A new segmentation, or one that exists, which keeps its segments and gets the masks of its own volume</source>
        <translation>Eine neue Segmentierung, oder eine vorhandene, die ihre Segmente behält und die Masken ihres eigenen Volumens bekommt</translation>
    </message>
    <message>
        <source>Wait until the run has ended.</source>
        <translation>Warten Sie, bis der Lauf zu Ende ist.</translation>
    </message>
    <message>
        <source>It is being cancelled; this takes 5 seconds at most.</source>
        <translation>Er wird abgebrochen; das dauert höchstens 5 Sekunden.</translation>
    </message>
    <message>
        <source>Stop within 5 seconds; what was computed is kept.</source>
        <translation>Innerhalb von 5 Sekunden anhalten; Berechnetes bleibt erhalten.</translation>
    </message>
    <message>
        <source>Nothing is running.</source>
        <translation>Es läuft nichts.</translation>
    </message>
    <message>
        <source>on {device}</source>
        <translation>auf {device}</translation>
    </message>
    <message>
        <source>into {segmentation}</source>
        <translation>in {segmentation}</translation>
    </message>
    <message>
        <source>Details: {chosen}</source>
        <translation>Details: {chosen}</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>Details</translation>
    </message>
    <message>
        <source>running, {left}</source>
        <translation>läuft, {left}</translation>
    </message>
    <message>
        <source>running</source>
        <translation>läuft</translation>
    </message>
    <message>
        <source>ready</source>
        <translation>bereit</translation>
    </message>
    <message>
        <source>It is meant for research: how good its masks get with so many volumes was not measured either.</source>
        <translation>Es ist für die Forschung gedacht: Wie gut seine Masken mit so vielen Volumina werden, wurde ebenfalls nicht gemessen.</translation>
    </message>
    <message>
        <source>✗ It did not work</source>
        <translation>✗ Nicht gelungen</translation>
    </message>
</context>
<context>
    <name>running.install_box</name>
    <message>
        <source>Packages are being installed. Wait until that has finished.</source>
        <translation>Pakete werden installiert. Warten Sie, bis dies beendet ist.</translation>
    </message>
    <message>
        <source>Some Python packages are missing. Install them with the button above.</source>
        <translation>Einige Python-Pakete fehlen. Installieren Sie sie mit der Schaltfläche oben.</translation>
    </message>
    <message>
        <source>Folder of downloaded wheels</source>
        <translation>Ordner mit heruntergeladenen Wheels</translation>
    </message>
    <message>
        <source>Installing. Slicer can be used meanwhile; do not close it.</source>
        <translation>Installation läuft. Slicer bleibt dabei benutzbar; schließen Sie es nicht.</translation>
    </message>
    <message>
        <source>The installation did not succeed.</source>
        <translation>Die Installation ist nicht gelungen.</translation>
    </message>
    <message>
        <source>Before the first run, some Python packages must be installed.</source>
        <translation>Vor dem ersten Lauf müssen einige Python-Pakete installiert werden.</translation>
    </message>
    <message>
        <source>An installation is under way.</source>
        <translation>Eine Installation ist im Gange.</translation>
    </message>
    <message>
        <source>Download and install what is missing into Slicer&apos;s Python.</source>
        <translation>Fehlende Pakete herunterladen und im Python von Slicer installieren.</translation>
    </message>
    <message>
        <source>• PyTorch ({names}): about 0.2 GB without an NVIDIA GPU, up to 3 GB with one, from download.pytorch.org.</source>
        <translation>• PyTorch ({names}): etwa 0,2 GB ohne NVIDIA-GPU, bis zu 3 GB mit einer solchen, von download.pytorch.org.</translation>
    </message>
    <message>
        <source>• {names}: about 0.1 GB at most, from pypi.org.</source>
        <translation>• {names}: höchstens etwa 0,1 GB, von pypi.org.</translation>
    </message>
    <message>
        <source>Of what Slicer ships, only pip may be replaced by an older version; no image leaves this computer.</source>
        <translation>Von dem, was Slicer mitbringt, wird höchstens pip durch eine ältere Version ersetzt; kein Bild verlässt diesen Computer.</translation>
    </message>
    <message>
        <source>Nothing that Slicer ships is replaced, and no image leaves this computer.</source>
        <translation>Nichts, was Slicer mitbringt, wird ersetzt, und kein Bild verlässt diesen Computer.</translation>
    </message>
</context>
<context>
    <name>running.installer</name>
    <message>
        <source>Python packages are being installed already.</source>
        <translation>Es werden bereits Python-Pakete installiert.</translation>
    </message>
    <message>
        <source>Wait until that has finished, then try again.</source>
        <translation>Warten Sie, bis dies beendet ist, und versuchen Sie es dann erneut.</translation>
    </message>
    <message>
        <source>Start Slicer without --testing.</source>
        <translation>Starten Sie Slicer ohne --testing.</translation>
    </message>
    <message>
        <source>Packages are not installed while Slicer runs tests.</source>
        <translation>Während Slicer Tests ausführt, werden keine Pakete installiert.</translation>
    </message>
    <message>
        <source>Choose the folder into which the wheels were downloaded (see the README).</source>
        <translation>Wählen Sie den Ordner, in den die Wheels heruntergeladen wurden (siehe README).</translation>
    </message>
    <message>
        <source>There are no wheels (*.whl) in {folder}.</source>
        <translation>In {folder} gibt es keine Wheels (*.whl).</translation>
    </message>
    <message>
        <source>Another installation was started meanwhile. Wait until it has finished, then try again.</source>
        <translation>Inzwischen wurde eine andere Installation gestartet. Warten Sie, bis sie beendet ist, und versuchen Sie es dann erneut.</translation>
    </message>
    <message>
        <source>PyTorch is not there, or too old, though its installation ended well. Try again.</source>
        <translation>PyTorch fehlt oder ist zu alt, obwohl die Installation ohne Fehler endete. Versuchen Sie es erneut.</translation>
    </message>
    <message>
        <source>Check the network and the proxy. On a computer without network access, download the wheels elsewhere and use &apos;Install from a folder&apos;.</source>
        <translation>Prüfen Sie das Netzwerk und den Proxy. Laden Sie für einen Computer ohne Netzwerkzugang die Wheels an anderer Stelle herunter, und verwenden Sie „Aus Ordner installieren“.</translation>
    </message>
    <message>
        <source>The packages could not be downloaded.</source>
        <translation>Die Pakete konnten nicht heruntergeladen werden.</translation>
    </message>
    <message>
        <source>Not installed: {names} (pip ended with code {code}).</source>
        <translation>Nicht installiert: {names} (pip endete mit Code {code}).</translation>
    </message>
    <message>
        <source>The reason stands at the end of the log below.</source>
        <translation>Der Grund steht am Ende des Logs unten.</translation>
    </message>
</context>
<context>
    <name>running.job_runner</name>
    <message>
        <source>Wait until it has ended, or cancel it.</source>
        <translation>Warten Sie, bis er beendet ist, oder brechen Sie ihn ab.</translation>
    </message>
    <message>
        <source>Another run is under way.</source>
        <translation>Ein anderer Lauf ist im Gange.</translation>
    </message>
    <message>
        <source>The worker had not been started yet.</source>
        <translation>Der Rechenprozess war noch nicht gestartet.</translation>
    </message>
    <message>
        <source>Details are in the log (View &gt; Error Log).</source>
        <translation>Einzelheiten stehen im Log (View &gt; Error Log).</translation>
    </message>
    <message>
        <source>The run could not be prepared: {error}</source>
        <translation>Der Lauf konnte nicht vorbereitet werden: {error}</translation>
    </message>
    <message>
        <source>The worker does not answer; it ends together with Slicer.</source>
        <translation>Der Rechenprozess antwortet nicht; er endet zusammen mit Slicer.</translation>
    </message>
</context>
<context>
    <name>running.probe_client</name>
    <message>
        <source>CPU</source>
        <translation>CPU</translation>
    </message>
    <message>
        <source>GPU</source>
        <translation>GPU</translation>
    </message>
    <message>
        <source>{title}, {total} GB</source>
        <translation>{title}, {total} GB</translation>
    </message>
    <message>
        <source>{title}, {total} GB, {free} GB free</source>
        <translation>{title}, {total} GB, {free} GB frei</translation>
    </message>
    <message>
        <source>it gave no answer</source>
        <translation>keine Antwort</translation>
    </message>
    <message>
        <source>exit code {code}</source>
        <translation>Exit-Code {code}</translation>
    </message>
    <message>
        <source>the CPU</source>
        <translation>der CPU</translation>
    </message>
    <message>
        <source>the GPU</source>
        <translation>der GPU</translation>
    </message>
    <message>
        <source>The worker could not be asked for its devices: {reason}</source>
        <translation>Der Rechenprozess konnte nicht nach seinen Geräten gefragt werden: {reason}</translation>
    </message>
    <message>
        <source>A run may work nevertheless; ↻ beside it asks again.</source>
        <translation>Ein Lauf kann trotzdem gelingen; ↻ daneben fragt erneut ab.</translation>
    </message>
    <message>
        <source>Install what is missing, then press ↻ beside it.</source>
        <translation>Installieren Sie, was fehlt, und drücken Sie dann ↻ daneben.</translation>
    </message>
    <message>
        <source>Missing: {names}</source>
        <translation>Es fehlt: {names}</translation>
    </message>
</context>
<context>
    <name>running.resident_client</name>
    <message>
        <source>it gave no answer</source>
        <translation>er hat nicht geantwortet</translation>
    </message>
    <message>
        <source>it has ended</source>
        <translation>er ist beendet</translation>
    </message>
    <message>
        <source>The slice could not be answered: {reason}</source>
        <translation>Die Schicht konnte nicht beantwortet werden: {reason}</translation>
    </message>
    <message>
        <source>Try again; the label itself is kept.</source>
        <translation>Versuchen Sie es noch einmal; die Angabe selbst bleibt erhalten.</translation>
    </message>
</context>
<context>
    <name>running.resident_volumes</name>
    <message>
        <source>Choose another volume.</source>
        <translation>Wählen Sie ein anderes Volumen.</translation>
    </message>
</context>
<context>
    <name>running.resident_worker</name>
    <message>
        <source>exit code {code}</source>
        <translation>Exit-Code {code}</translation>
    </message>
</context>
<context>
    <name>running.run_control</name>
    <message>
        <source>Wait until it has ended, or cancel it.</source>
        <translation>Warten Sie, bis er beendet ist, oder brechen Sie ihn ab.</translation>
    </message>
    <message>
        <source>Another run is under way.</source>
        <translation>Ein anderer Lauf ist im Gange.</translation>
    </message>
    <message>
        <source>Loading was cancelled; the masks are in the run folder.</source>
        <translation>Das Laden wurde abgebrochen; die Masken sind im Laufordner.</translation>
    </message>
    <message>
        <source>Wait until it has ended.</source>
        <translation>Warten Sie, bis er beendet ist.</translation>
    </message>
    <message>
        <source>The scene knows no such run.</source>
        <translation>Die Szene kennt keinen solchen Lauf.</translation>
    </message>
    <message>
        <source>Choose a run of the list.</source>
        <translation>Wählen Sie einen Lauf aus der Liste.</translation>
    </message>
    <message>
        <source>Masks are ready for review.</source>
        <translation>Die Masken können geprüft werden.</translation>
    </message>
    <message>
        <source>Not loaded, since no longer in the scene: {names}. The masks are in the run folder.</source>
        <translation>Nicht geladen, da nicht mehr in der Szene: {names}. Die Masken sind im Laufordner.</translation>
    </message>
    <message>
        <source>The masks of the run stay in its folder.</source>
        <translation>Die Masken des Laufs bleiben in dessen Ordner.</translation>
    </message>
    <message>
        <source>They are in the run folder. Details are in the log (View &gt; Error Log).</source>
        <translation>Sie sind im Laufordner. Einzelheiten stehen im Log (View &gt; Error Log).</translation>
    </message>
    <message>
        <source>The masks could not be loaded: {0}.</source>
        <translation>Die Masken konnten nicht geladen werden: {0}.</translation>
    </message>
    <message>
        <source>It was interrupted. What was computed is kept, so the next run on these volumes is quicker.</source>
        <translation>Er wurde unterbrochen. Berechnetes bleibt erhalten, sodass der nächste Lauf mit diesen Volumina schneller ist.</translation>
    </message>
</context>
<context>
    <name>running.run_ending</name>
    <message>
        <source>Masks are ready for review.</source>
        <translation>Die Masken können geprüft werden.</translation>
    </message>
    <message>
        <source>Features of finished volumes are kept, so the next run is quicker.</source>
        <translation>Merkmale fertiger Volumina bleiben erhalten, sodass der nächste Lauf schneller ist.</translation>
    </message>
    <message>
        <source>The worker could not be started: {reason}.</source>
        <translation>Der Rechenprozess konnte nicht gestartet werden: {reason}.</translation>
    </message>
    <message>
        <source>Reinstall Slicer, or check that it may start programs.</source>
        <translation>Installieren Sie Slicer neu, oder prüfen Sie, ob es Programme starten darf.</translation>
    </message>
    <message>
        <source>The worker stopped without a result: {how}.</source>
        <translation>Der Rechenprozess endete ohne Ergebnis: {how}.</translation>
    </message>
    <message>
        <source>Last lines of its log: {words}</source>
        <translation>Letzte Zeilen seines Logs: {words}</translation>
    </message>
    <message>
        <source>Run it again; features that were computed are kept. If it happens again, please report it with the log.</source>
        <translation>Starten Sie den Lauf erneut; berechnete Merkmale bleiben erhalten. Wenn es wieder geschieht, melden Sie es bitte mit dem Log.</translation>
    </message>
    <message>
        <source>This happens when memory runs out. Close other programs, use fewer volumes, then run it again.</source>
        <translation>Das geschieht, wenn der Arbeitsspeicher nicht ausreicht. Schließen Sie andere Programme, verwenden Sie weniger Volumina, und starten Sie den Lauf dann erneut.</translation>
    </message>
    <message>
        <source>exit code {code}</source>
        <translation>Exit-Code {code}</translation>
    </message>
    <message>
        <source>ended by the system ({name}, signal {code})</source>
        <translation>vom System beendet ({name}, Signal {code})</translation>
    </message>
    <message>
        <source>it crashed (code {code})</source>
        <translation>er ist abgestürzt (Code {code})</translation>
    </message>
</context>
<context>
    <name>running.run_progress</name>
    <message>
        <source>Writing the volumes for the worker</source>
        <translation>Volumina für den Rechenprozess schreiben</translation>
    </message>
    <message>
        <source>Starting the worker</source>
        <translation>Rechenprozess starten</translation>
    </message>
    <message>
        <source>Looking at every slice</source>
        <translation>Alle Schichten ansehen</translation>
    </message>
    <message>
        <source>Handing boxes and points on from slice to slice</source>
        <translation>Boxen und Punkte werden von Schicht zu Schicht weitergegeben</translation>
    </message>
    <message>
        <source>Learning from what was corrected</source>
        <translation>Lernt aus dem, was korrigiert wurde</translation>
    </message>
    <message>
        <source>Summing up what was seen</source>
        <translation>Gesehenes zusammenfassen</translation>
    </message>
    <message>
        <source>Comparing slices that show a class with slices that do not</source>
        <translation>Schichten mit und ohne Klasse vergleichen</translation>
    </message>
    <message>
        <source>Grouping slices that show a class</source>
        <translation>Schichten mit Klasse gruppieren</translation>
    </message>
    <message>
        <source>Training the classifier, and the encoder with it</source>
        <translation>Klassifikator trainieren, und mit ihm den Encoder</translation>
    </message>
    <message>
        <source>Refining the mask decoder</source>
        <translation>Maskendecoder verfeinern</translation>
    </message>
    <message>
        <source>Training the segmentation network</source>
        <translation>Segmentierungsnetz trainieren</translation>
    </message>
    <message>
        <source>Learning which slices show a class</source>
        <translation>Lernen, welche Schichten eine Klasse zeigen</translation>
    </message>
    <message>
        <source>Following objects along the slices</source>
        <translation>Objekte werden von Schicht zu Schicht verfolgt</translation>
    </message>
    <message>
        <source>Sketching first masks</source>
        <translation>Erste Masken skizzieren</translation>
    </message>
    <message>
        <source>Learning to draw masks</source>
        <translation>Lernen, Masken zu zeichnen</translation>
    </message>
    <message>
        <source>Learning to draw masks, second round</source>
        <translation>Lernen, Masken zu zeichnen, zweite Runde</translation>
    </message>
    <message>
        <source>Drawing the masks</source>
        <translation>Masken zeichnen</translation>
    </message>
</context>
<context>
    <name>running.run_view</name>
    <message>
        <source>Loading the masks into the scene</source>
        <translation>Masken in die Szene laden</translation>
    </message>
    <message>
        <source>Cancelling; this takes 5 seconds at most</source>
        <translation>Wird abgebrochen; das dauert höchstens 5 Sekunden</translation>
    </message>
    <message>
        <source>{stage} (step {number} of {total})</source>
        <translation>{stage} (Schritt {number} von {total})</translation>
    </message>
    <message>
        <source>It takes longer than expected; the bar shows steps.</source>
        <translation>Es dauert länger als erwartet; der Balken zeigt die Schritte.</translation>
    </message>
    <message>
        <source>Time left: not known yet</source>
        <translation>Restdauer: noch nicht bekannt</translation>
    </message>
    <message>
        <source>Time left: {time}.</source>
        <translation>Restdauer: {time}.</translation>
    </message>
    <message>
        <source>The worker has said nothing for {time}; cancel if that goes on.</source>
        <translation>Der Rechenprozess hat sich seit {time} nicht gemeldet; brechen Sie ab, wenn das so bleibt.</translation>
    </message>
    <message>
        <source>A picture appears here as soon as there are masks.</source>
        <translation>Hier erscheint ein Bild, sobald es Masken gibt.</translation>
    </message>
    <message>
        <source>Show the files of this run</source>
        <translation>Dateien dieses Laufs zeigen</translation>
    </message>
    <message>
        <source>No run folder was written, or it was deleted.</source>
        <translation>Es wurde kein Laufordner geschrieben, oder er wurde gelöscht.</translation>
    </message>
</context>
<context>
    <name>running.run_words</name>
    <message>
        <source>✗ The run has ended, but there are no masks</source>
        <translation>✗ Der Lauf ist beendet, aber es gibt keine Masken</translation>
    </message>
    <message>
        <source>(code: {code})</source>
        <translation>(Code: {code})</translation>
    </message>
    <message>
        <source>• and {count} more; see the log</source>
        <translation>• und {count} weitere; siehe Log</translation>
    </message>
    <message>
        <source>Cancelled at {time}</source>
        <translation>Abgebrochen ({time})</translation>
    </message>
    <message>
        <source>✗ The run failed at {time}</source>
        <translation>✗ Der Lauf ist fehlgeschlagen ({time})</translation>
    </message>
    <message>
        <source>✓ Finished {time}: {masks} in {volumes}</source>
        <translation>✓ Fertig {time}: {masks} in {volumes}</translation>
    </message>
    <message>
        <source>It took {time} on {device}. Look at every mask in section 5.</source>
        <translation>Dauer: {time} auf {device}. Sehen Sie sich jede Maske in Abschnitt 5 an.</translation>
    </message>
    <message>
        <source>Worth knowing:</source>
        <translation>Gut zu wissen:</translation>
    </message>
    <message>
        <source>⚠ 1 note on this run: see Details</source>
        <translation>⚠ 1 Hinweis zu diesem Lauf: siehe Details</translation>
    </message>
    <message>
        <source>⚠ {count} notes on this run: see Details</source>
        <translation>⚠ {count} Hinweise zu diesem Lauf: siehe Details</translation>
    </message>
    <message>
        <source>about 1 min left</source>
        <translation>noch etwa 1 min</translation>
    </message>
    <message>
        <source>{count} min left</source>
        <translation>noch {count} min</translation>
    </message>
    <message>
        <source>{hours} h {minutes} min left</source>
        <translation>noch {hours} h {minutes} min</translation>
    </message>
    <message>
        <source>finished {time}</source>
        <translation>fertig {time}</translation>
    </message>
    <message>
        <source>cancelled {time}</source>
        <translation>abgebrochen {time}</translation>
    </message>
    <message>
        <source>failed {time}</source>
        <translation>fehlgeschlagen {time}</translation>
    </message>
    <message>
        <source>1 mask</source>
        <translation>1 Maske</translation>
    </message>
    <message>
        <source>{count} masks</source>
        <translation>{count} Masken</translation>
    </message>
    <message>
        <source>1 volume</source>
        <translation>1 Volumen</translation>
    </message>
    <message>
        <source>{count} volumes</source>
        <translation>{count} Volumina</translation>
    </message>
</context>
<context>
    <name>running.slice_preparation</name>
    <message>
        <source>Slices are not prepared: {reason}</source>
        <translation>Schichten werden nicht vorbereitet: {reason}</translation>
    </message>
    <message>
        <source>Preparing slices; Generate will start sooner</source>
        <translation>Schichten werden vorbereitet; das Erzeugen beginnt dann früher</translation>
    </message>
    <message>
        <source>Preparing slices: {done} of {total}; Generate will start sooner</source>
        <translation>Schichten werden vorbereitet: {done} von {total}; das Erzeugen beginnt dann früher</translation>
    </message>
    <message>
        <source>preparing slices, {done} of {total}</source>
        <translation>bereitet Schichten vor, {done} von {total}</translation>
    </message>
</context>
<context>
    <name>running.storage_box</name>
    <message>
        <source>Counting...</source>
        <translation>Wird gezählt...</translation>
    </message>
    <message>
        <source>Delete the run of {run}?

Its copies of the images, its masks and its model are deleted. Masks that are in the scene stay, but their threshold can no longer be changed.</source>
        <translation>Lauf {run} löschen?

Seine Kopien der Bilder, seine Masken und sein Modell werden gelöscht. Masken in der Szene bleiben, aber ihre Schwelle kann nicht mehr geändert werden.</translation>
    </message>
    <message>
        <source>Other runs that were made by this model: {count}. Corrections can move their masks afterwards only where the scene that they are in has kept it.</source>
        <translation>Andere Läufe, die mit diesem Modell entstanden: {count}. Korrekturen können deren Masken danach nur noch dort verbessern, wo die Szene, in der sie sind, das Modell behalten hat.</translation>
    </message>
    <message>
        <source>Delete run</source>
        <translation>Lauf löschen</translation>
    </message>
    <message>
        <source>Clear the feature cache in {folder}?

The next run on each volume takes longer, since its features must be computed again. Nothing else is lost.</source>
        <translation>Merkmalsspeicher in {folder} leeren?

Der nächste Lauf mit jedem Volumen dauert länger, da dessen Merkmale neu berechnet werden müssen. Sonst geht nichts verloren.</translation>
    </message>
    <message>
        <source>Clear cache</source>
        <translation>Merkmale löschen</translation>
    </message>
    <message>
        <source>Deleted: {size}</source>
        <translation>Gelöscht: {size}</translation>
    </message>
    <message>
        <source>The run was deleted, but {folder} stays: it holds files that are not of WeakMedSAM ({files}).</source>
        <translation>Der Lauf wurde gelöscht, aber {folder} bleibt: Der Ordner enthält Dateien, die nicht von WeakMedSAM stammen ({files}).</translation>
    </message>
    <message>
        <source>{size}</source>
        <translation>{size}</translation>
    </message>
    <message>
        <source>{size} (runs: {count})</source>
        <translation>{size} (Läufe: {count})</translation>
    </message>
    <message>
        <source>Wait until the run has ended.</source>
        <translation>Warten Sie, bis der Lauf beendet ist.</translation>
    </message>
    <message>
        <source>Something is being deleted.</source>
        <translation>Gerade wird etwas gelöscht.</translation>
    </message>
    <message>
        <source>There is no run.</source>
        <translation>Es gibt keinen Lauf.</translation>
    </message>
    <message>
        <source>Show the files of this run</source>
        <translation>Die Dateien dieses Laufs zeigen</translation>
    </message>
    <message>
        <source>Delete a run&apos;s files</source>
        <translation>Dateien eines Laufs löschen</translation>
    </message>
    <message>
        <source>Delete the features that are kept to make repeated runs quick</source>
        <translation>Merkmale löschen, die aufbewahrt werden, damit wiederholte Läufe schneller sind</translation>
    </message>
    <message>
        <source>Folder of new run folders; empty for the usual place</source>
        <translation>Ordner für neue Laufordner; leer für den üblichen Ort</translation>
    </message>
    <message>
        <source>Folder of the feature cache; empty for the usual place</source>
        <translation>Ordner des Merkmalsspeichers; leer für den üblichen Ort</translation>
    </message>
    <message>
        <source>Runs in this folder, the newest first</source>
        <translation>Läufe in diesem Ordner, die neuesten zuerst</translation>
    </message>
    <message>
        <source>{names} and {count} more</source>
        <translation>{names} und {count} weitere</translation>
    </message>
    <message>
        <source>unknown date</source>
        <translation>Datum unbekannt</translation>
    </message>
</context>
<context>
    <name>scene.run_models</name>
    <message>
        <source>The model of the run cannot be read: {reason}.</source>
        <translation>Das Modell des Laufs kann nicht gelesen werden: {reason}.</translation>
    </message>
    <message>
        <source>Generate again: corrected slices count there too.</source>
        <translation>Erzeugen Sie die Masken neu: auch dort zählen korrigierte Schichten.</translation>
    </message>
</context>
<context>
    <name>scene.scene_volumes</name>
    <message>
        <source>No volume is chosen.</source>
        <translation>Es ist kein Volumen gewählt.</translation>
    </message>
    <message>
        <source>This is a label map, not a scan.</source>
        <translation>Dies ist eine Labelmap, keine Aufnahme.</translation>
    </message>
    <message>
        <source>The volume is empty.</source>
        <translation>Das Volumen ist leer.</translation>
    </message>
    <message>
        <source>The volume has several values a voxel (colour, vector or 4-D data). Extract one of them first.</source>
        <translation>Das Volumen hat mehrere Werte je Voxel (Farb-, Vektor- oder 4D-Daten). Extrahieren Sie zuerst einen davon.</translation>
    </message>
    <message>
        <source>Choose another volume.</source>
        <translation>Wählen Sie ein anderes Volumen.</translation>
    </message>
    <message>
        <source>Take it out of the list of volumes.</source>
        <translation>Nehmen Sie es aus der Liste der Volumina.</translation>
    </message>
    <message>
        <source>The volume has one voxel only.</source>
        <translation>Das Volumen hat nur ein Voxel.</translation>
    </message>
    <message>
        <source>The volume has more than {count} slices.</source>
        <translation>Das Volumen hat mehr als {count} Schichten.</translation>
    </message>
    <message>
        <source>The volume has no size: its spacing or its axes are wrong.</source>
        <translation>Das Volumen hat keine Ausdehnung: Sein Voxelabstand oder seine Achsen sind falsch.</translation>
    </message>
    <message>
        <source>The volume lies under a deformation. Harden the transform first (Data module, transform column).</source>
        <translation>Das Volumen unterliegt einer Verformung. Wenden Sie die Transformation zuerst dauerhaft an (Harden transform; Modul Data, Transformationsspalte).</translation>
    </message>
    <message>
        <source>The volume is one moment of a sequence. Clone it in the Data module and use the copy.</source>
        <translation>Das Volumen ist ein Zeitpunkt einer Sequenz. Klonen Sie es im Modul Data, und verwenden Sie die Kopie.</translation>
    </message>
    <message>
        <source>The volume holds no numbers (NaN everywhere).</source>
        <translation>Das Volumen enthält keine Zahlen (überall NaN).</translation>
    </message>
    <message>
        <source>All voxels have the same value.</source>
        <translation>Alle Voxel haben denselben Wert.</translation>
    </message>
</context>
<context>
    <name>slice_tags.slice_navigator</name>
    <message>
        <source>Press the key R in a slice view to bring it back.</source>
        <translation>Drücken Sie die Taste R in einer Schichtansicht, um es zurückzuholen.</translation>
    </message>
    <message>
        <source>No slice view shows a slice of this volume.</source>
        <translation>Keine Schichtansicht zeigt eine Schicht dieses Volumens.</translation>
    </message>
    <message>
        <source>Take it out of the list of volumes.</source>
        <translation>Nehmen Sie es aus der Liste der Volumina.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; is being read; this takes a moment.</source>
        <translation>„{name}“ wird gelesen; das dauert einen Moment.</translation>
    </message>
    <message>
        <source>Press the key again then.</source>
        <translation>Drücken Sie die Taste danach noch einmal.</translation>
    </message>
    <message>
        <source>No slice view of this layout shows &apos;{name}&apos; in the direction in which it is tagged.</source>
        <translation>Keine Schichtansicht dieser Anordnung zeigt „{name}“ in der Richtung, in der es markiert wird.</translation>
    </message>
    <message>
        <source>The {view} view does not show &apos;{name}&apos;, the volume to tag.</source>
        <translation>Die Ansicht {view} zeigt „{name}“ nicht, das zu markierende Volumen.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; is tagged in another direction, which no view of this layout shows.</source>
        <translation>„{name}“ wird in einer anderen Richtung markiert, die keine Ansicht dieser Anordnung zeigt.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; is tagged slice by slice in the {view} view, not in this one.</source>
        <translation>„{name}“ wird Schicht für Schicht in der Ansicht {view} markiert, nicht in dieser.</translation>
    </message>
    <message>
        <source>Tag it there, or start over in another direction in Volumes.</source>
        <translation>Markieren Sie es dort, oder beginnen Sie unter Volumina in einer anderen Richtung neu.</translation>
    </message>
    <message>
        <source>Choose a layout that has one.</source>
        <translation>Wählen Sie eine Anordnung, die eine hat.</translation>
    </message>
    <message>
        <source>Show it, or use the one that is shown.</source>
        <translation>Zeigen Sie es, oder verwenden Sie das gezeigte.</translation>
    </message>
    <message>
        <source>The {view} view shows no volume.</source>
        <translation>Die Ansicht {view} zeigt kein Volumen.</translation>
    </message>
    <message>
        <source>The {view} view shows &apos;{name}&apos;, which is not part of the run.</source>
        <translation>Die Ansicht {view} zeigt „{name}“, das nicht Teil des Laufs ist.</translation>
    </message>
    <message>
        <source>&apos;Show it&apos; brings back the volume to tag, &apos;Use it&apos; makes the one that is shown part of the run.</source>
        <translation>„Zeigen“ holt das zu markierende Volumen zurück, „Verwenden“ macht das gezeigte zum Teil des Laufs.</translation>
    </message>
</context>
<context>
    <name>slice_tags.slice_notes</name>
    <message>
        <source>not part of the run</source>
        <translation>nicht Teil des Laufs</translation>
    </message>
    <message>
        <source>not the current volume</source>
        <translation>nicht das aktuelle Volumen</translation>
    </message>
    <message>
        <source>! contradiction: {counts}</source>
        <translation>! Widerspruch: {counts}</translation>
    </message>
    <message>
        <source>! labels contradict each other</source>
        <translation>! Markierungen widersprechen sich</translation>
    </message>
    <message>
        <source>{use}: tagging keys are off</source>
        <translation>{use}: Tasten zum Markieren sind aus</translation>
    </message>
    <message>
        <source>range from slice {index}</source>
        <translation>Bereich ab Schicht {index}</translation>
    </message>
</context>
<context>
    <name>slice_tags.strip_painter</name>
    <message>
        <source>No volume to tag</source>
        <translation>Kein Volumen zum Markieren</translation>
    </message>
</context>
<context>
    <name>slice_tags.tag_actions</name>
    <message>
        <source>Current class: {name}</source>
        <translation>Aktuelle Klasse: {name}</translation>
    </message>
    <message>
        <source>&apos;{name}&apos;: every other slice is absent.</source>
        <translation>„{name}“: in jeder anderen Schicht nicht vorhanden.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos;: every slice is untagged.</source>
        <translation>„{name}“: keine Schicht mehr markiert.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; is tagged on every slice.</source>
        <translation>„{name}“ ist in jeder Schicht markiert.</translation>
    </message>
    <message>
        <source>Undone: {text}</source>
        <translation>Rückgängig gemacht: {text}</translation>
    </message>
    <message>
        <source>There is nothing to undo.</source>
        <translation>Es gibt nichts rückgängig zu machen.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; begins on slice {index}. Go to the last slice and press &apos;End&apos; or the key E.</source>
        <translation>„{name}“ beginnt in Schicht {index}. Gehen Sie zur letzten Schicht, und drücken Sie „Ende“ oder die Taste E.</translation>
    </message>
    <message>
        <source>Slice {index} of &apos;{name}&apos; is drawn. Empty it, so that it is absent? (No keeps it as it is.)</source>
        <translation>Schicht {index} von &apos;{name}&apos; ist gezeichnet. Leeren, sodass sie als nicht vorhanden gilt? (Nein lässt sie, wie sie ist.)</translation>
    </message>
    <message>
        <source>Set the start of the range first.</source>
        <translation>Setzen Sie zuerst den Anfang des Bereichs.</translation>
    </message>
    <message>
        <source>Go to its first slice and press &apos;Start&apos; or the key S.</source>
        <translation>Gehen Sie zu seiner ersten Schicht, und drücken Sie „Anfang“ oder die Taste S.</translation>
    </message>
    <message>
        <source>The start of the range is forgotten.</source>
        <translation>Der Anfang des Bereichs ist vergessen.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos;: nothing is said of the whole volume any more.</source>
        <translation>„{name}“: Vom ganzen Volumen ist nichts mehr gesagt.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; is not in this volume; its segment stays empty.</source>
        <translation>„{name}“ ist nicht in diesem Volumen; das Segment bleibt leer.</translation>
    </message>
    <message>
        <source>&apos;{name}&apos; is in this volume; on which slices, the method is to find.</source>
        <translation>„{name}“ ist in diesem Volumen; in welchen Schichten, soll das Verfahren finden.</translation>
    </message>
    <message>
        <source>There is nothing to redo.</source>
        <translation>Es gibt nichts zu wiederholen.</translation>
    </message>
    <message>
        <source>Redone: {text}</source>
        <translation>Wiederholt: {text}</translation>
    </message>
    <message>
        <source>There is no volume to tag.</source>
        <translation>Es gibt kein Volumen zum Markieren.</translation>
    </message>
    <message>
        <source>Choose one in Volumes.</source>
        <translation>Wählen Sie eines unter Volumina.</translation>
    </message>
    <message>
        <source>There is no class.</source>
        <translation>Es gibt keine Klasse.</translation>
    </message>
    <message>
        <source>Add one in Classes.</source>
        <translation>Fügen Sie unter Klassen eine hinzu.</translation>
    </message>
    <message>
        <source>Slice {index}: &apos;{name}&apos; {tag}.</source>
        <translation>Schicht {index}: „{name}“ {tag}.</translation>
    </message>
</context>
<context>
    <name>slice_tags.tag_menu</name>
    <message>
        <source>Not in this volume</source>
        <translation>Nicht in diesem Volumen</translation>
    </message>
    <message>
        <source>In this volume, slices not known</source>
        <translation>In diesem Volumen, Schichten nicht bekannt</translation>
    </message>
    <message>
        <source>Tag the rest as absent</source>
        <translation>Rest als nicht vorhanden markieren</translation>
    </message>
    <message>
        <source>Clear this slice</source>
        <translation>Markierung dieser Schicht entfernen</translation>
    </message>
    <message>
        <source>This slice becomes untagged for the current class</source>
        <translation>Die Markierung der aktuellen Klasse wird in dieser Schicht entfernt</translation>
    </message>
    <message>
        <source>Clear the class in this volume</source>
        <translation>Klasse in diesem Volumen leeren</translation>
    </message>
    <message>
        <source>Boxes by four clicks</source>
        <translation>Boxen mit vier Klicks</translation>
    </message>
    <message>
        <source>All of it is boxed here</source>
        <translation>Hier liegt alles in Boxen</translation>
    </message>
    <message>
        <source>Join to a 3-D box</source>
        <translation>Zu einer 3D-Box zusammenfassen</translation>
    </message>
    <message>
        <source>Remove boxes and points of the class</source>
        <translation>Boxen und Punkte der Klasse entfernen</translation>
    </message>
    <message>
        <source>Import labels...</source>
        <translation>Markierungen importieren...</translation>
    </message>
    <message>
        <source>Export labels...</source>
        <translation>Markierungen exportieren...</translation>
    </message>
    <message>
        <source>Export labels to a file: .json, .csv, or .mrk.json of Markups</source>
        <translation>Markierungen in eine Datei exportieren: .json, .csv oder .mrk.json von Markups</translation>
    </message>
    <message>
        <source>Take over Markups</source>
        <translation>Markups übernehmen</translation>
    </message>
    <message>
        <source>Show the keys</source>
        <translation>Tasten zeigen</translation>
    </message>
    <message>
        <source>Show the keys that work in the slice views</source>
        <translation>Tasten zeigen, die in den Schichtansichten gelten</translation>
    </message>
    <message>
        <source>The current class is on no slice of this volume: its segment stays empty, and the volume teaches what the class is not. A volume that nobody has looked at is something else: leave it untagged</source>
        <translation>Die aktuelle Klasse ist in keiner Schicht dieses Volumens: Ihr Segment bleibt leer, und das Volumen lehrt, was die Klasse nicht ist. Ein Volumen, das niemand angesehen hat, ist etwas anderes: Lassen Sie es unmarkiert</translation>
    </message>
    <message>
        <source>The current class is on some slices of this volume, such as a report says; the method finds on which. It is worth less than the range of its slices, and teaches little unless slices of other volumes are tagged</source>
        <translation>Die aktuelle Klasse ist in einigen Schichten dieses Volumens, wie es etwa ein Befund sagt; in welchen, findet das Verfahren. Das ist weniger wert als der Bereich ihrer Schichten und lehrt wenig, wenn nicht Schichten anderer Volumina markiert sind</translation>
    </message>
    <message>
        <source>Every slice that is still untagged becomes absent for the current class, in this volume</source>
        <translation>Jede noch nicht markierte Schicht dieses Volumens wird für die aktuelle Klasse als „nicht vorhanden“ markiert</translation>
    </message>
    <message>
        <source>Every slice becomes untagged for the current class, in this volume; Undo restores the tags</source>
        <translation>Die Markierungen der aktuellen Klasse werden in allen Schichten dieses Volumens entfernt; „Rückgängig“ stellt sie wieder her</translation>
    </message>
    <message>
        <source>Box takes the outermost points of the class, four of them, rather than two corners</source>
        <translation>Die Box nimmt die vier äußersten Punkte der Klasse statt zweier Ecken</translation>
    </message>
    <message>
        <source>Nothing of the current class is outside of its boxes on this slice</source>
        <translation>Auf dieser Schicht ist außerhalb der Boxen nichts von der aktuellen Klasse</translation>
    </message>
    <message>
        <source>The box on this slice and the nearest one of the current class on another slice become one in 3-D</source>
        <translation>Die Box auf dieser Schicht und die nächste der aktuellen Klasse auf einer anderen werden eine in 3D</translation>
    </message>
    <message>
        <source>Import labels from a file: .json, .csv, or .mrk.json of Markups; or what was drawn of this volume, a segmentation or a label map</source>
        <translation>Markierungen aus einer Datei importieren: .json, .csv oder .mrk.json von Markups; oder was von diesem Volumen gezeichnet wurde, eine Segmentierung oder Labelmap</translation>
    </message>
    <message>
        <source>All boxes and points of the current class in this volume are removed; Undo restores them</source>
        <translation>Alle Boxen und Punkte der aktuellen Klasse in diesem Volumen werden entfernt; „Rückgängig“ stellt sie wieder her</translation>
    </message>
</context>
<context>
    <name>slice_tags.tag_strip</name>
    <message>
        <source>Tag strip</source>
        <translation>Markierungsleiste</translation>
    </message>
</context>
<context>
    <name>slice_tags.tags_panel</name>
    <message>
        <source>Absent</source>
        <translation>Nicht vorhanden</translation>
    </message>
    <message>
        <source>Not done: {error}</source>
        <translation>Nicht ausgeführt: {error}</translation>
    </message>
    <message>
        <source>Choose a volume first.</source>
        <translation>Wählen Sie zuerst ein Volumen.</translation>
    </message>
    <message>
        <source>The volume is being read; this takes a moment.</source>
        <translation>Das Volumen wird gerade gelesen; das dauert einen Moment.</translation>
    </message>
    <message>
        <source>Add a class in section 2, Classes.</source>
        <translation>Fügen Sie in Abschnitt 2, Klassen, eine Klasse hinzu.</translation>
    </message>
    <message>
        <source>Set the start of the range first.</source>
        <translation>Setzen Sie zuerst den Anfang des Bereichs.</translation>
    </message>
</context>
<context>
    <name>slice_tags.volume_offer</name>
    <message>
        <source>Show &apos;{name}&apos;, the volume to tag</source>
        <translation>„{name}“ zeigen, das zu markierende Volumen</translation>
    </message>
    <message>
        <source>Make &apos;{name}&apos;, which is shown, part of the run, and tag it</source>
        <translation>„{name}“, das gezeigt wird, zum Teil des Laufs machen und markieren</translation>
    </message>
</context>
<context>
    <name>trial.sample_data</name>
    <message>
        <source>WeakMedSAM</source>
        <translation>WeakMedSAM</translation>
    </message>
    <message>
        <source>Phantom {number}</source>
        <translation>Phantom {number}</translation>
    </message>
    <message>
        <source>Two brain tumours</source>
        <translation>Zwei Hirntumoren</translation>
    </message>
    <message>
        <source>Three phantoms</source>
        <translation>Drei Phantome</translation>
    </message>
</context>
<context>
    <name>trial.self_test</name>
    <message>
        <source>Tags are kept in the scene</source>
        <translation>Markierungen werden in der Szene gespeichert</translation>
    </message>
    <message>
        <source>The bar passed</source>
        <translation>Die Leiste hat bestanden</translation>
    </message>
    <message>
        <source>Run and results passed</source>
        <translation>Lauf und Ergebnisse bestanden</translation>
    </message>
    <message>
        <source>Correcting passed</source>
        <translation>Korrigieren bestanden</translation>
    </message>
    <message>
        <source>opening the editor</source>
        <translation>Öffnen des Editors</translation>
    </message>
    <message>
        <source>The worker was not tested: {names} missing</source>
        <translation>Der Rechenprozess wurde nicht getestet: {names} fehlt</translation>
    </message>
    <message>
        <source>The worker passed</source>
        <translation>Der Rechenprozess hat den Test bestanden</translation>
    </message>
    <message>
        <source>choosing a volume</source>
        <translation>Volumen wählen</translation>
    </message>
    <message>
        <source>loading masks</source>
        <translation>Masken laden</translation>
    </message>
    <message>
        <source>export</source>
        <translation>Export</translation>
    </message>
    <message>
        <source>Longest time without an answer, {work}: {ms} ms</source>
        <translation>Längste Zeit ohne Antwort, {work}: {ms} ms</translation>
    </message>
</context>
</TS>
